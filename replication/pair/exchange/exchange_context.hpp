// What the parts of an exchange share: the sink, the store, the window of unacknowledged frames,
// the counters. Owned by the exchange, on the replication strand; counters are read anywhere.
#pragma once

#include "lib/allocation.hpp"
#include "lib/counters.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/exchange/exchange_stats.hpp"
#include "replication/pair/exchange/send_window.hpp"
#include "replication/records/wall_clock.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace twincached::replication::pair {

struct ExchangeOptions {
    std::uint64_t epoch = 0;            // this incarnation: random, not 0
    unsigned node = 0;                  // 0 = a, 1 = b, above: not decided yet
    std::uint64_t sync_rate_bytes = 0;  // per second, of a resync; 0 = no limit
    // So many dirty buckets in a row are compared by digests first; 0 = never.
    std::size_t digest_run = 64;
    // In which all buckets are compared with the peer's once; 0 = never.
    std::uint64_t scrub_interval_ms = 0;
    // How far a version of the peer's may be ahead of this node's clock.
    std::uint64_t clock_max_ahead_ms = 24ULL * 3600 * 1000;
};

// What has crossed the link so far.
struct Traffic {
    std::uint64_t records = 0;  // sent
    std::uint64_t bytes = 0;    // sent and received
};

// How often produce() must be called in a session, at least.
inline constexpr std::chrono::milliseconds exchange_tick{20};

// How many of a frame's entries are worked off under one hold of a shard's lock: some 50 µs of
// look-ups that miss every cache. What a frame holds is the peer's to say; how long a client waits
// for the shard is not.
inline constexpr std::size_t entries_per_hold = 256;

// The highest version that such a time can give.
constexpr storage::Version last_of(std::uint64_t version_time) noexcept {
    return (version_time << 13) | 0x1FFF;
}

struct ExchangeContext {
    ChangeSink& sink;
    ExchangeOptions options;
    storage::Store* store = nullptr;
    SendWindow window{};
    std::uint64_t peer_item_limit_bytes = 0;  // as the peer's HELLO says; 0: it does not
    lib::Counters<ExchangeCounter> counters{};

    // The one gate for whatever the peer says of versions, in any frame. False: it is not to be
    // believed, and the session must end; nothing may have been done with it.
    bool admits(storage::Version floor, const storage::Now& now) noexcept {
        return gate(now).admits(floor) || refuse_version();
    }
    bool admits_item(storage::Version version, const storage::Now& now) noexcept {
        return gate(now).admits_item(version) || refuse_version();
    }
    storage::VersionGate gate(const storage::Now& now) const noexcept {
        return gate_of(now, options.clock_max_ahead_ms);
    }
    bool refuse_version() noexcept {
        version_refused = true;
        counters.add(ExchangeCounter::versions_refused);
        return false;
    }
    bool version_refused = false;  // in this session

    // But for the lag, which the exchange knows.
    ExchangeStats stats() const noexcept;
    Traffic traffic() const noexcept;
    unsigned peer_node() const noexcept { return options.node ^ 1U; }

    // Store::with_shard for a visitor that may throw std::bad_alloc: it is thrown once the lock is
    // given back. What the visitor had done by then is done.
    template <class Visit>
    void with_shard(unsigned shard, Visit visit) const {
        lib::MemoryGuard guard;
        store->with_shard(shard, guard.over([&](storage::Shard& one) { visit(one); }));
        guard.finish();
    }

    // Visits what this node holds of a bucket as slices: begin(shard) is called at each hold of the
    // lock and says whether to go on, visit(item) for each item within. False: it was ended.
    template <class Begin, class Visit>
    bool visit_bucket(storage::BucketNumber bucket, const storage::Now& now, Begin begin,
                      Visit visit) const {
        std::optional<std::uint64_t> at = std::uint64_t{bucket} << 48;
        bool goes_on = true;
        while (at && goes_on) {
            with_shard(store->shard_of_bucket(bucket), [&](storage::Shard& shard) {
                lib::MemoryGuard guard;
                goes_on = begin(shard);
                for (std::size_t seen = 0; goes_on && at && seen < entries_per_hold; ++seen) {
                    const auto visit_one = guard.over([&](const storage::ItemView& item) {
                        ++seen;
                        visit(item);
                    });
                    at = shard.visit_bucket_step(*at, now, visit_one);
                    guard.finish();
                }
            });
        }
        return goes_on;
    }

    // Over all shards; one relaxed load each.
    template <class Gauge>
    std::uint64_t sum(Gauge gauge) const noexcept {
        std::uint64_t total = 0;
        for (unsigned i = 0; i < sink.shard_count(); ++i) {
            total += (sink.shard(i).*gauge).load(std::memory_order_relaxed);
        }
        return total;
    }
};

}  // namespace twincached::replication::pair
