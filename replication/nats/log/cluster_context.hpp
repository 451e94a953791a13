// What the parts of a cluster's node share. Owned by the engine, on the replication thread.
#pragma once

#include "lib/allocation.hpp"
#include "lib/counters.hpp"
#include "replication/nats/cluster_options.hpp"
#include "replication/nats/log/broker_clock.hpp"
#include "replication/nats/log/cluster_counter.hpp"
#include "replication/nats/log/member_table.hpp"
#include "replication/nats/removals/cluster_sink.hpp"
#include "replication/nats/removals/untold_removals.hpp"
#include "replication/records/wall_clock.hpp"
#include "storage/store.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace twincached::replication::nats {

// How far this node has come in one stream. It reads without a gap from where it began, whether it
// knows its place, and applies what it reads, or only listens to who speaks.
struct StreamPlace {
    bool is_known = false;     // it has applied all up to `consumed`
    std::int64_t created = 0;  // as the broker of this site says; a mirror has its own
    // The same by the site whose stream it is, so that all sites know it alike; 0: not known yet.
    std::int64_t epoch = 0;
    Sequence consumed = 0;  // the last that was read
    // When the broker stored that one, ms since 1970: a log that was set back and has gone on since
    // has another message in its place. 0: this node has not read it itself.
    std::int64_t consumed_ms = 0;
    Sequence last = 0;  // the last that is known to be there
    Sequence next = 0;  // what is delivered next, if the log has it still

    bool may_be_of(std::int64_t origin_created) const noexcept {
        return epoch == origin_created || epoch == 0 || origin_created == 0;
    }
    // It can be read on from here. What was read last must be there still, to be looked at again.
    bool goes_on_in(const StreamState& state) const noexcept {
        if (created != state.created || !may_be_of(state.origin_created)) return false;
        // Who gave the place may have read further at the origin than has been copied by now.
        const bool is_mirror = state.created != state.origin_created;
        if (state.last < consumed) return is_mirror && consumed_ms == 0;
        return consumed == 0 || consumed_ms == 0 ? state.first <= consumed + 1
                                                 : state.first <= consumed;
    }
    // What is asked for behind the end would begin anywhere.
    Sequence next_to_read(Sequence end) const noexcept {
        return consumed_ms == 0 ? std::min(consumed, end) + 1 : consumed;
    }
    bool is_other_than_read(const Delivery& delivery) const noexcept {
        return delivery.sequence == consumed && consumed_ms != 0 && delivery.time != consumed_ms;
    }
    // What lies before it is not in the log any more: nobody will ever read that here.
    bool is_behind_a_gap(const Delivery& delivery) const noexcept {
        return delivery.sequence > next;
    }
};

// How many entries are worked off under one hold of a shard's lock.
inline constexpr std::size_t entries_per_hold = 256;

struct ClusterContext {
    const ClusterOptions& options;
    ClusterSink& sink;
    const storage::Now& now;
    storage::Store* store = nullptr;
    std::uint64_t hash_check = 0;
    BrokerClock clock{};
    MemberTable members;
    std::array<StreamPlace, streams_limit> places{};
    Sequence published = 0;  // of this node's own messages, the last
    UntoldRemovals untold{};
    Era era = 0;                // of what this node holds; 0: it has compared with nobody yet
    bool is_reference = false;  // it began alone, and has learnt from nobody since
    Era left_era = 0;           // that it compares with the earlier one of another site
    // Of the log, since all was compared; false: it may hold what it has not read the removal of.
    bool has_missed_nothing = false;
    lib::Counters<ClusterCounter> counters{};

    unsigned shard_count() const noexcept { return sink.changes().shard_count(); }
    ShardTracking& tracking(unsigned shard) noexcept { return sink.changes().shard(shard); }
    unsigned stream_count() const noexcept {
        return static_cast<unsigned>(std::min<std::size_t>(options.streams.size(), streams_limit));
    }
    bool knows_its_place() const noexcept {
        for (unsigned i = 0; i < stream_count(); ++i)
            if (!places[i].is_known) return false;
        return true;
    }
    // Others compare what they hold with what is here, and nobody is there to ask.
    bool is_alone_as_reference() const noexcept {
        return is_reference && !members.is_any_in_step();
    }
    // Whatever is known now stands in this site's log there, or before.
    LogPlace end_of_log() const noexcept {
        const auto& place = places[own_stream];
        return {own_stream, std::max({place.consumed, place.last, published})};
    }

    // The item as it is held has no place in the log yet, and will get one from this node: it is
    // its own, or somebody lacked it. REQUIRES: the shard's lock.
    bool is_to_be_told(unsigned shard, const storage::ItemView& item) noexcept {
        const auto found = tracking(shard).log.find({item.key, item.hash});
        if (!found) return false;
        return found.entry->wanted || storage::origin_of(item.version) == options.node;
    }

    // Somebody has said something older of the key than its removal that is known here; others may
    // not know of that either. REQUIRES: the shard's lock.
    void tell_newer_removal(unsigned shard, const storage::Key& key,
                            storage::Version version) noexcept {
        const auto removed = sink.removals(shard).exact(key.hash);
        if (removed <= version || tracking(shard).log.find(key)) return;
        tell_kept_removal(shard, key, removed);
    }
    // By its key, if that is remembered, also where its bucket is compared and the change log takes
    // nothing of it: as a floor it would be a doubt about all others of the bucket. REQUIRES: the
    // same.
    void tell_kept_removal(unsigned shard, const storage::Key& key,
                           storage::Version version) noexcept {
        const auto bucket = storage::bucket_of(key.hash);
        auto& removals = sink.removals(shard);
        if (removals.is_nowhere(key.hash)) return;  // then it is to be told already
        if (tracking(shard).buckets.is_dirty(bucket) && removals.exact(key.hash) != 0 &&
            lib::has_memory_for([&] { untold.add(key.hash); })) {
            return removals.move(key.hash, nowhere_yet);
        }
        tracking(shard).tell_removal(key, version);
        sink.note_untold_removal(shard, bucket);
    }

    // The one gate for versions from outside.
    storage::VersionGate gate() const noexcept { return gate_of(now, options.clock_max_ahead_ms); }
    // The same by the broker's clock, which is the same to all.
    std::uint64_t brokers_version_ms() const noexcept {
        const auto ms = static_cast<std::int64_t>(clock.now_ms(now)) - version_epoch_ms;
        return static_cast<std::uint64_t>(std::max<std::int64_t>(0, ms));
    }
    storage::VersionGate brokers_gate() const noexcept {
        return {brokers_version_ms(), options.clock_max_ahead_ms};
    }
    bool admits(storage::Version floor) noexcept {
        return gate().admits(floor) || refuse_version();
    }
    bool admits_item(storage::Version version) noexcept {
        return gate().admits_item(version) || refuse_version();
    }
    bool refuse_version() noexcept {
        has_missed_nothing = false;
        counters.add(ClusterCounter::versions_refused);
        return false;
    }

    // Store::with_shard for a visitor that may throw std::bad_alloc, once the lock is given back.
    template <class Visit>
    void with_shard(unsigned shard, Visit visit) const {
        lib::MemoryGuard guard;
        store->with_shard(shard, guard.over([&](storage::Shard& one) { visit(one); }));
        guard.finish();
    }
    // Over all shards; one relaxed load each.
    template <class Gauge>
    std::uint64_t sum(Gauge gauge) const noexcept {
        std::uint64_t total = 0;
        for (unsigned i = 0; i < sink.changes().shard_count(); ++i)
            total += (sink.changes().shard(i).*gauge).load(std::memory_order_relaxed);
        return total;
    }
    bool has_unsent() const noexcept {
        for (unsigned i = 0; i < sink.changes().shard_count(); ++i)
            if (sink.changes().has_unsent(i)) return true;
        return sink.changes().has_news();
    }
};

}  // namespace twincached::replication::nats
