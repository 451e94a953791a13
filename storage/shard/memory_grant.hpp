// What a storing operation has been granted of the store's memory beyond what its shard has, and
// what it still lacks. The operation runs under the shard's lock, where no other shard may be
// asked: if it lacks something it says so here, changes nothing and answers no_memory; the store
// finds it without the lock and runs the operation again.
#pragma once

#include "storage/memory/item_form.hpp"

#include <cstdint>

namespace twincached::storage {

struct MemoryGrant {
    // Owned; an operation that uses it takes it over and sets it to 0.
    ExtentNumber extent = 0;
    bool is_filled = false;  // the extent holds the whole value already
    bool is_final = false;   // there is no more to be had: make do, or fail for good
    // At most one of the two at once.
    std::uint64_t lacks_extent_bytes = 0;
    bool lacks_slab = false;

    bool lacks() const noexcept { return lacks_slab || lacks_extent_bytes != 0; }
};

}  // namespace twincached::storage
