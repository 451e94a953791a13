// What the parts of an exchange share: the sink, the store, the window of unacknowledged frames,
// the counters. Owned by the exchange, on the replication strand; counters are read anywhere.
#pragma once

#include "lib/counters.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/pair/exchange/send_window.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>

namespace twincached::replication::pair {

struct ExchangeContext {
    ChangeSink& sink;
    ExchangeOptions options;
    storage::Store* store = nullptr;
    SendWindow window{};
    std::uint64_t peer_item_limit_bytes = 0;  // as the peer's HELLO says; 0: it does not
    lib::Counters<ExchangeCounter> counters{};

    // But for the lag, which the exchange knows.
    ExchangeStats stats() const noexcept;
    Traffic traffic() const noexcept;
    unsigned peer_node() const noexcept { return options.node ^ 1U; }

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
