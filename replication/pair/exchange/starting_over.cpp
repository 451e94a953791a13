#include "replication/pair/exchange/starting_over.hpp"

namespace twincached::replication::pair {

void mark_all_dirty(ExchangeContext& context, storage::Version floor) noexcept {
    mark_all_dirty(context.sink, *context.store, floor);
    context.counters.add(ExchangeCounter::resyncs);
}

}  // namespace twincached::replication::pair
