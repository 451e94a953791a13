#include "replication/pair/legacy/legacy_receiver.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace twincached::replication::pair {
namespace {

using storage::Expiry;

// A key that is to be dropped once its index bucket is not being visited any more.
struct Unheard {
    std::uint64_t hash = 0;
    std::size_t size = 0;
    std::array<char, storage::key_size_limit> bytes{};

    storage::Key key() const noexcept { return {{bytes.data(), size}, hash}; }
};

Unheard unheard(const storage::ItemView& item) noexcept {
    Unheard one{item.hash, item.key.size()};
    std::memcpy(one.bytes.data(), item.key.data(), item.key.size());
    return one;
}

// All that was deleted here has been told, or the dump has told of it since.
void forget_floors(Buckets& buckets) noexcept {
    for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
        const auto bucket = static_cast<storage::BucketNumber>(b);
        if (!buckets.is_dirty(bucket)) buckets.restore(bucket, 0, false);
    }
}

}  // namespace

void LegacyReceiver::begin(unsigned peer_node, Dump dump) {
    peer_node_ = peer_node;
    told_ = 0;
    before_.assign(sink_.shard_count(), 0);
    for (unsigned i = 0; i < sink_.shard_count(); ++i) {
        store_->with_shard(i, [&](storage::Shard& shard) { before_[i] = shard.version_time(); });
    }
    dump_ = dump;
}

void LegacyReceiver::take(const LegacyCommand& command, bool applies, const storage::Now& now) {
    if (command.verb == LegacyVerb::end_of_dump) return end_dump(applies, now);
    ++told_;
    if (!applies || dump_ == Dump::outdated) {
        ++stats_.passed_over;
        return;
    }
    switch (command.verb) {
        case LegacyVerb::upsert:
            if (command.is_too_large ||
                Expiry::from_exptime(command.exptime, now).is_past(now.tick()))
                return remove(command, now);
            return store_item(command, now);
        case LegacyVerb::removal:
            return remove(command, now);
        case LegacyVerb::flush:
            return flush(now);
        case LegacyVerb::flush_later: {
            // Unix time, as both nodes of an old pair have it; the other one flushes by itself.
            const auto seconds = command.exptime - now.unix_seconds;
            if (command.exptime <= 0 || seconds <= 0) return flush(now);
            constexpr std::int64_t longest = std::int64_t{1} << 32;
            flush_at_ms_ =
                now.steady_ms + 1000 * static_cast<std::uint64_t>(std::min(seconds, longest));
            return;
        }
        case LegacyVerb::end_of_dump:
            return;
    }
}

// --- one change ----------------------------------------------------------------------------------

// Newer than all that the shard has seen.
storage::Version LegacyReceiver::arrival(std::uint64_t time,
                                         const storage::Now& now) const noexcept {
    const auto at = std::max(time + 1, now.version_ms << 10);
    return ((at << 2) | peer_node_) << 11;
}

// While a dump comes: it was changed here, and the other node may not have heard of it. Where that
// is not known of each key, because the log was too small, it is believed of what is this node's.
// REQUIRES: the shard's lock.
bool LegacyReceiver::stays(unsigned number, storage::Shard& shard, const storage::Key& key,
                           const storage::Now& now) noexcept {
    if (dump_ == Dump::none) return false;
    auto& tracking = sink_.shard(number);
    if (tracking.log.find(key)) return true;
    const auto bucket = storage::bucket_of(key.hash);
    bool is_present = false;
    bool is_own = false;
    shard.peek(key, now, [&](const storage::ItemView& item) {
        is_present = item.version != 0;
        is_own = storage::origin_of(item.version) != peer_node_;
    });
    if (!is_present) return tracking.buckets.floor(bucket) > 0;
    return is_own && tracking.buckets.is_dirty(bucket);
}

// Between the two looks at the shard a client may write: then its version is the newer one.
void LegacyReceiver::store_item(const LegacyCommand& command, const storage::Now& now) {
    storage::Record record;
    record.key = store_->key(command.key);
    const auto number = store_->shard_of(record.key.hash);
    store_->with_shard(number, [&](storage::Shard& shard) {
        if (!stays(number, shard, record.key, now))
            record.version = arrival(shard.version_time(), now);
    });
    if (record.version == 0) {
        ++stats_.passed_over;
        return;
    }
    record.value = command.value;
    record.client_flags = command.flags;
    record.expiry = Expiry::from_exptime(command.exptime, now);
    record.cold = is_filling();
    if (command.cas != 0) record.explicit_cas = command.cas;
    (void)store_->apply(record, now);
    ++stats_.received;
}

void LegacyReceiver::remove(const LegacyCommand& command, const storage::Now& now) {
    const auto key = store_->key(command.key);
    const auto number = store_->shard_of(key.hash);
    bool is_removed = false;
    store_->with_shard(number, [&](storage::Shard& shard) {
        if (stays(number, shard, key, now)) return;
        is_removed = true;
        (void)shard.apply_delete(key, arrival(shard.version_time(), now), now);
    });
    ++(is_removed ? stats_.received : stats_.passed_over);
}

void LegacyReceiver::flush(const storage::Now& now) noexcept {
    flush_at_ms_.reset();
    const auto version = arrival(store_->version_time(), now);
    store_->observe(version);
    store_->apply_flush(version);
    ++stats_.received;
}

void LegacyReceiver::on_timer(const storage::Now& now) noexcept {
    if (flush_at_ms_ && now.steady_ms >= *flush_at_ms_) flush(now);
}

// --- the end of a dump ---------------------------------------------------------------------------

// An old node that was restarted without -x has nothing to tell of what it held: where clients
// have written here since, this node's items are those that count.
void LegacyReceiver::end_dump(bool applies, const storage::Now& now) noexcept {
    if (dump_ == Dump::none) return;
    const bool is_taken_over = applies && dump_ != Dump::outdated;
    std::uint64_t own_changes = 0;
    for (unsigned i = 0; i < sink_.shard_count(); ++i) {
        own_changes += sink_.shard(i).log_entries.load(std::memory_order_relaxed);
        own_changes += sink_.shard(i).dirty.load(std::memory_order_relaxed);
    }
    const bool has_begun_anew = told_ == 0 && own_changes > 0;
    for (unsigned i = 0; i < sink_.shard_count(); ++i) {
        if (is_taken_over && dump_ == Dump::whole && !has_begun_anew) drop_unheard(i, now);
        store_->with_shard(i, [&](storage::Shard&) { forget_floors(sink_.shard(i).buckets); });
    }
    ++stats_.dumps_received;
    dump_ = Dump::none;
}

// Nothing may leave the index while it is being visited; what did not fit is found by the next
// visit of the same place.
void LegacyReceiver::drop_unheard(unsigned number, const storage::Now& now) noexcept {
    auto& tracking = sink_.shard(number);
    std::optional<std::uint64_t> next = std::uint64_t{tracking.buckets.first()} << 48;
    std::array<Unheard, 32> found;
    while (next) {
        store_->with_shard(number, [&](storage::Shard& shard) {
            std::size_t count = 0;
            const auto beyond = shard.visit(*next, now, [&](const storage::ItemView& item) {
                const bool is_told = storage::time_of(item.version) > before_[number];
                const storage::Key key{item.key, item.hash};
                if (is_told || count == found.size() || tracking.log.find(key)) return;
                const bool is_own = storage::origin_of(item.version) != peer_node_;
                const auto bucket = storage::bucket_of(item.hash);
                if (is_own && tracking.buckets.is_dirty(bucket)) return;
                found[count++] = unheard(item);
            });
            for (std::size_t i = 0; i < count; ++i)
                shard.drop_in_doubt(found[i].key(), now);
            stats_.dropped += count;
            if (count < found.size()) next = beyond;
        });
    }
}

}  // namespace twincached::replication::pair
