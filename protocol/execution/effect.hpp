// What a request does to the store, as far as others have to know before it is executed: a property
// of its row in its dialect's table. It decides which requests a node refuses while it is read
// only, and what becomes of a key whose value is refused.
#pragma once

#include <cstdint>

namespace twincached::protocol {

enum class Effect : std::uint8_t {
    none,              // reads, or is no business of the store's
    changes_if_asked,  // the meta get: with T (a new expiry) or N (an item where there was none)
    changes,
    sets,  // changes, and whatever the key held gives way: also to a value that is refused
};

}  // namespace twincached::protocol
