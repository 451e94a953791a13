// The store as the clients of this node see it, whatever protocol they speak: each operation
// chooses the key's shard, takes its lock once, and finds memory across the shards if that one has
// none. What is done to the shard is ClientReads' and ClientWrites' business.
//
// A part of Store, over its core. Any thread may call any member; each takes one shard's lock at a
// time, never two.
#pragma once

#include "lib/function_ref.hpp"
#include "storage/memory/pinned_value.hpp"
#include "storage/memory/value_reservation.hpp"
#include "storage/operations.hpp"
#include "storage/store_core.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace twincached::storage {

class ClientOperations {
  public:
    explicit ClientOperations(StoreCore& core) noexcept : core_(core) {}

    // The plain get: marks the access, calls the visitor on a hit.
    ReadResult get(const Key& key, const Now& now, ItemVisitor visit) noexcept;
    // Reads many keys in one way, memory latency overlapped, and tells of each, in order, that it
    // was found or missed. Ends before the first whose read is deferred; returns how many it has
    // read. The hot path. REQUIRES: !request.vivify.
    using ManyFound = lib::FunctionRef<void(std::size_t, const ItemView&, const ReadMarks&)>;
    using ManyMissed = lib::FunctionRef<void(std::size_t, Miss)>;
    std::size_t get_many(std::span<const Key> keys, const Now& now, const Read& request,
                         ManyFound found, ManyMissed missed) noexcept;
    // Asks for the memory of what these keys may hold: operations that follow at once do not wait
    // for it. REQUIRES: 32 keys at most.
    void prefetch(std::span<const Key> keys) noexcept;
    // It pays to do so: there is more than a core's own caches hold. What they do hold is read
    // sooner than it is asked for.
    bool is_far() const noexcept { return core_.budget.used() > near_bytes; }
    ReadResult read(const Key& key, const Now& now, const Read& request,
                    ReadVisitor visit) noexcept;
    ReadResult touch(const Key& key, const Now& now, Expiry expiry) noexcept;
    // Looks without leaving a mark and without counting (me, debugging).
    bool peek(const Key& key, const Now& now, ItemVisitor visit) noexcept;
    WriteResult write(const Key& key, const Now& now, const Write& request) noexcept;
    // The value was read straight into `value`; request.value is ignored.
    WriteResult write(const Key& key, const Now& now, const Write& request,
                      ValueReservation value) noexcept;
    ArithmeticResult add(const Key& key, const Now& now, const Arithmetic& request) noexcept;
    RemoveResult remove(const Key& key, const Now& now, const Remove& request) noexcept;
    // A store that failed before it reached `write` (a value too large): memcached drops what the
    // key held, so that nobody reads a value that a client meant to replace.
    void drop_failed_write(const Key& key, const Now& now) noexcept;

    bool is_large(std::uint64_t value_bytes) const noexcept {
        return value_bytes > core_.limits.large_value;
    }
    // Would the item, as memcached accounts it, exceed the item size limit?
    bool exceeds_limit(std::size_t key_bytes, std::uint64_t value_bytes,
                       std::uint32_t client_flags) const noexcept;
    // Empty if there is no memory for it. Values that are still arriving hold half of the limit at
    // most, so that clients who never finish theirs cannot take the memory of those who do.
    ValueReservation reserve(std::uint64_t value_bytes, const Now& now) noexcept;
    // REQUIRES: called inside a visitor, with the item it was given, and item.pinnable.
    PinnedValue pin(const ItemView& item) noexcept;

  private:
    static constexpr std::uint64_t near_bytes = 4U << 20;

    ReadResult get_one(const Key& key, const Now& now, const Read& request,
                       ReadVisitor visit) noexcept;

    StoreCore& core_;
};

}  // namespace twincached::storage
