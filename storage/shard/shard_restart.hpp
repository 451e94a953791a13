// How a shard's items leave it before a restart, and come back after it. Under the shard's lock;
// see Store.
//
// Has no state of its own: made where it is used.
#pragma once

#include "lib/function_ref.hpp"
#include "storage/shard/saved_item.hpp"
#include "storage/shard/shard_items.hpp"

#include <cstdint>

namespace twincached::storage {

// Says whether to go on.
using SavedItemVisitor = lib::FunctionRef<bool(const SavedItem&)>;

enum class RestoreOutcome : std::uint8_t {
    restored,
    gone,       // expired or flushed meanwhile
    no_memory,  // or larger than items may be
};

class ShardRestart {
  public:
    explicit ShardRestart(ShardItems& items) noexcept : items_(items) {}

    // Those first that would be evicted first: restored in this order, they leave in it. False if
    // the visitor ended it.
    bool save(SavedItemVisitor visit) noexcept;
    RestoreOutcome restore(const SavedItem& saved, const Key& key, const Now& now,
                           MemoryGrant& grant) noexcept;

  private:
    ShardItems& items_;
};

}  // namespace twincached::storage
