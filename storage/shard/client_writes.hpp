// What clients change in a shard: storing, counting, removing. Each call is one critical section
// under the shard's lock, and has told the sink when it returns (rule R0). Where memory is lacking
// it changes nothing, says so in the grant, and is to be called again; see MemoryGrant.
//
// Has no state of its own: made where it is used.
#pragma once

#include "storage/shard/shard_items.hpp"

namespace twincached::storage {

class ClientWrites {
  public:
    explicit ClientWrites(ShardItems& items) noexcept : items_(items) {}

    // set, add, replace, append, prepend, cas. A write that fails for want of memory, or because
    // the item would be too large, removes what it was to replace, as memcached does.
    WriteResult write(const Key& key, const Now& now, const Write& request,
                      MemoryGrant& grant) noexcept;
    // incr and decr. The number wraps at 2^64 and stops at 0.
    ArithmeticResult add(const Key& key, const Now& now, const Arithmetic& request,
                         MemoryGrant& grant) noexcept;
    // delete, and what meta deletes do instead: invalidate or empty the item.
    RemoveResult remove(const Key& key, const Now& now, const Remove& request,
                        MemoryGrant& grant) noexcept;
    // See Store::drop_failed_write.
    void drop_failed_write(const Key& key, const Now& now) noexcept;

  private:
    void compose(Storing& storing, const Write& request, bool stale, const Now& now) noexcept;
    void join_values(Storing& storing, const Write& request) noexcept;
    bool extend_extent(Storing& storing, const Write& request) noexcept;
    WriteResult fail_write(const Storing& storing, const Write& request, WriteOutcome outcome,
                           const Now& now) noexcept;
    Stored change(Storing& storing, const Remove& request, const Now& now,
                  MemoryGrant& grant) noexcept;

    ShardItems& items_;
};

}  // namespace twincached::storage
