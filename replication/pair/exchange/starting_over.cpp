#include "replication/pair/exchange/starting_over.hpp"

namespace twincached::replication::pair {

void mark_all_dirty(ExchangeContext& context, storage::Version floor) noexcept {
    mark_all_dirty(context.sink, *context.store, floor);
    context.counters.add(ExchangeCounter::resyncs);
}

// The clocks first: what is written from then on is right, and what was written until then goes.
void restart_versions(ExchangeContext& context, const storage::VersionGate& gate,
                      const storage::Now& now) noexcept {
    context.store->restart_versions(gate, wall_version_ms(now), now);
    forget_newer(context.sink, *context.store, gate.last(), now);
}

}  // namespace twincached::replication::pair
