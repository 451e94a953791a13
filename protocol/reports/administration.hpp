// The verbs that operators and tools use: none of them touches an item. Where memcached turns a
// screw that this store does not have (slab pages, LRU segments), the request is checked and
// answered as there, and nothing else happens.
#pragma once

#include "protocol/execution/verb.hpp"

#include <span>

namespace twincached::protocol {

std::span<const Verb> administrative_verbs() noexcept;

}  // namespace twincached::protocol
