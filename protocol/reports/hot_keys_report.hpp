// What `stats hotkeys` answers: first whether it is on and how much was seen, then a line for each
// of the heaviest keys and prefixes:
//
//     STAT key_requests:1 user%3A42 120300 0     rank, key (URI-encoded), estimate, its error
#pragma once

#include "protocol/observation/hot_keys.hpp"
#include "protocol/stat_visitor.hpp"

#include <cstddef>

namespace twincached::protocol {

// Of each kind `count` lines at most.
void report_hot_keys(const HotKeys& hot_keys, std::size_t count, StatVisitor visit);

}  // namespace twincached::protocol
