// What clients read of a shard, and the marks that reading leaves: last access, frequency, who is
// to recache. Each call is one critical section under the shard's lock; the visitor is called under
// it, must be short and must not call the store.
//
// Has no state of its own: made where it is used.
#pragma once

#include "storage/shard/shard_items.hpp"

namespace twincached::storage {

class ClientReads {
  public:
    explicit ClientReads(ShardItems& items) noexcept : items_(items) {}

    // What is there, and nothing is made of a miss: the hot path. REQUIRES: !request.vivify.
    ReadResult get(const Key& key, const Now& now, const Read& request, ReadVisitor visit) noexcept;
    // The same, but on a miss it may create an item, and for that lack memory: then the visitor was
    // not called, and the call is to be repeated; see MemoryGrant.
    ReadResult read(const Key& key, const Now& now, const Read& request, ReadVisitor visit,
                    MemoryGrant& grant) noexcept;
    ReadResult touch(const Key& key, const Now& now, Expiry expiry) noexcept;

  private:
    struct Reading {
        const Key& key;
        const Now& now;
        const Read& request;
        ReadVisitor visit;
    };
    ReadResult read_found(Item& item, const Reading& reading) noexcept;
    void show(Item& item, const Reading& reading, const ReadMarks& marks) noexcept;
    Stored vivify(Storing& storing, const Read& request, const Now& now,
                  MemoryGrant& grant) noexcept;

    ShardItems& items_;
};

}  // namespace twincached::storage
