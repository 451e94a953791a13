// One shard as replication sees it: a part of all keys, found by the top bits of their hashes,
// whose items it may look up, and into which it brings what other nodes have changed. Handed out by
// Store::with_shard for as long as the shard's lock is held.
//
// Has no state of its own: made where it is used, over the shard's items.
#pragma once

#include "storage/key.hpp"
#include "storage/operations.hpp"
#include "storage/shard/shard_items.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace twincached::storage {

class Shard {
  public:
    explicit Shard(ShardItems& items) noexcept : items_(items) {}

    // --- what other nodes have changed -------------------------------------------------------
    // Applies another node's item if its version is higher than all that is known here (rule R4).
    // An item that cannot be stored still removes an older one. A large value that this shard alone
    // cannot make room for, Store::apply can.
    ApplyOutcome apply(const Record& record, const Now& now) noexcept;
    // The same with memory that the store has found; see MemoryGrant.
    ApplyOutcome apply(const Record& record, const Now& now, MemoryGrant& grant) noexcept;
    // Applies another node's delete: removes what is older. Remembers nothing (the sink does).
    ApplyOutcome apply_delete(const Key& key, Version version, const Now& now) noexcept;
    // Applies another node's touch if the item's write version is the one meant; false if the whole
    // item is wanted instead.
    bool apply_touch(const Key& key, Version version, Expiry expiry, const Now& now) noexcept;
    // A hint of another node's: its clients have used the item. It is spared as long as if it had
    // been used here, but that is no access of this node, and nobody is told.
    void apply_hint(std::uint64_t hash, const Now& now) noexcept;
    // Drops an item because another node may know something newer of it (rule R9).
    void drop_in_doubt(const Key& key, const Now& now) noexcept;
    // Drops some of the items, also those that are flushed or have expired and are still here. What
    // is dropped is as if it had never been here: another node may give the same again. From that
    // hash on, in order; returns the hash to go on with, or nothing at the end.
    std::optional<std::uint64_t> disown_some(std::uint64_t hash, const Now& now) noexcept;
    // Corrects the versions of some items, whoever wrote them; the same of hashes.
    std::optional<std::uint64_t> correct_some(std::uint64_t hash, const ClockLead& lead) noexcept;
    // Drops some of those that are flushed already; the same.
    std::optional<std::uint64_t> drop_some_flushed(std::uint64_t hash, const Now& now) noexcept;
    // Whatever this shard writes from now on is newer.
    void observe(Version version) noexcept { items_.clock().observe(version); }

    // --- looking up --------------------------------------------------------------------------
    // Fetches what looking these up will read, all at once.
    void prefetch(std::span<const std::uint64_t> hashes) const noexcept;
    // The live item of that key, without any mark of access; false if there is none.
    bool peek(const Key& key, const Now& now, ItemVisitor visit) noexcept;
    // The same by hash alone (all keys of that hash, in practice one), but for what has expired:
    // it is dropped, and the sink is told. Silence about it where another node asks for it, as in a
    // list of its bucket, would leave that node with something older for ever.
    bool peek_hash(std::uint64_t hash, const Now& now, ItemVisitor visit) noexcept;
    // Every live item of a replication bucket of this shard; the same for what has expired.
    void visit_bucket(BucketNumber bucket, const Now& now, ItemVisitor visit) noexcept;
    // The same in steps, between which the lock may be let go: those in the index bucket at `hash`,
    // which lies in that replication bucket. The hash to go on with; none at the bucket's end. What
    // stays meanwhile is visited at least once.
    std::optional<std::uint64_t> visit_bucket_step(std::uint64_t hash, const Now& now,
                                                   ItemVisitor visit) noexcept;
    // Visits the live items of one index bucket; the hash to go on with, none at the shard's end.
    std::optional<std::uint64_t> visit(std::uint64_t hash, const Now& now,
                                       ItemVisitor visit) noexcept;

    std::uint64_t version_time() const noexcept { return items_.clock().time(); }
    Version flush_version() const noexcept { return items_.table().flush_version(); }
    // For tests and reports.
    const Table& table() const noexcept { return items_.table(); }

  private:
    Version known_version(const Key& key, const Item* held, Tick now) noexcept;
    template <class IsMeant>
    std::optional<std::uint64_t> drop_some(std::uint64_t hash, Cause cause, const Now& now,
                                           IsMeant is_meant) noexcept;

    ShardItems& items_;
};

}  // namespace twincached::storage
