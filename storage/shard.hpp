// One shard: a part of all keys with everything that belongs to them - slabs, index, eviction
// queues, version clock - behind one lock, which Store holds. Plain single-threaded code: it
// knows no thread, and its tests need none.
//
// Every change is reported to the MutationSink before the call returns (rule R0).
#pragma once

#include "lib/function_ref.hpp"
#include "storage/operations.hpp"

#include <cstdint>
#include <string_view>

namespace twincached::storage {

using ItemVisitor = lib::FunctionRef<void(const ItemView&)>;
using ReadVisitor = lib::FunctionRef<void(const ItemView&, const ReadMarks&)>;

class Shard {
  public:
    // What replication does with a shard, under its lock (Store::with_shard).

    // Applies the peer's item if its version is higher than all that is known here (rule R4). An
    // item that cannot be stored still removes an older one.
    ApplyOutcome apply(const Record& record, const Now& now) noexcept;
    // Applies the peer's delete: removes what is older. Remembers nothing (the peer does).
    ApplyOutcome apply_delete(const Key& key, Version version, const Now& now) noexcept;
    // Applies the peer's touch if the item's write version is the one meant; false if the whole
    // item is wanted instead.
    bool apply_touch(const Key& key, Version version, Expiry expiry, const Now& now) noexcept;
    // Drops an item because the peer may know something newer of it (rule R9).
    void drop_in_doubt(const Key& key, const Now& now) noexcept;

    // The live item of that key, without any mark of access; false if there is none.
    bool peek(const Key& key, const Now& now, ItemVisitor visit) noexcept;
    // The same by hash alone (all keys of that hash, in practice one).
    bool peek_hash(std::uint64_t hash, const Now& now, ItemVisitor visit) noexcept;
    // Every live item of a replication bucket of this shard.
    void visit_bucket(BucketNumber bucket, const Now& now, ItemVisitor visit) noexcept;

    void observe(Version version) noexcept;
    std::uint64_t version_time() const noexcept;
    Version flush_version() const noexcept;
};

}  // namespace twincached::storage
