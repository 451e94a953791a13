// What leaves a shard by this node's own decision, because memory was needed, its time was over, it
// was flushed, or another node may know something newer. Each is counted, told to whoever listens
// to evictions and to the mutation sink, and only then removed, so that all of them still see it.
// What a client or another node removes is told by those who carry it out.
// Guarded by the shard's lock.
#pragma once

#include "storage/eviction/eviction_listener.hpp"
#include "storage/index/table.hpp"
#include "storage/mutation.hpp"

#include <cstdint>

namespace twincached::storage {

// Whom a shard tells, and as which shard.
struct Told {
    MutationSink& sink;
    unsigned shard = 0;
    const EvictionListenerPlace* listener = nullptr;  // null: nobody can listen
};

class Drops {
  public:
    Drops(Table& table, Books& books, const Told& told) noexcept
        : table_(table), books_(books), told_(told) {}

    // REQUIRES: the item is in the index under that hash.
    void drop(Item& item, std::uint64_t hash, Cause cause, Tick now) noexcept;

  private:
    void tell_listener(const Item& item, Tick now) const noexcept;

    Table& table_;
    Books& books_;
    Told told_;
};

}  // namespace twincached::storage
