// Plain meta gets: of a text key, with flags that say what is to be told of the item and nothing
// else. So most of them are, and many that come together are looked up together. They are known at
// a glance; what a glance does not know is parsed like every other line. Pure functions.
#pragma once

#include "protocol/execution/get_run.hpp"
#include "protocol/execution/meta_flags.hpp"

#include <cstddef>
#include <string_view>

namespace twincached::protocol {

// Complete lines. The first question is asked of every line, and so costs little.
inline bool begins_meta_get(std::string_view text) noexcept {
    return text.size() > 3 && text[0] == 'm' && text[1] == 'g' && text[2] == ' ';
}
void scan_plain_meta_gets(GetRun& run) noexcept;

// The flags of one that was found so.
MetaFlags plain_flags_of(const GetRun& run, std::size_t index) noexcept;

}  // namespace twincached::protocol
