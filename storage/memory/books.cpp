#include "storage/memory/books.hpp"

#include <algorithm>

namespace twincached::storage {

void Books::count_in(const Item& item) noexcept {
    const std::uint64_t bytes = accounted(item);
    ClassStats& stats = stats_[classes_.of(bytes)];
    ++stats.items;
    stats.bytes += bytes;
}

void Books::count_out(const Item& item) noexcept {
    const std::uint64_t bytes = accounted(item);
    ClassStats& stats = stats_[classes_.of(bytes)];
    --stats.items;
    stats.bytes -= bytes;
}

// What was flushed, or dropped in doubt, counts nowhere: memcached has no counter for either.
void Books::count_drop(const Item& item, Cause cause, Tick now) noexcept {
    ClassStats& stats = of(item);
    if (cause == Cause::expired) {
        ++stats.expired;
        if (!item.is_fetched()) ++stats.expired_unfetched;
        return;
    }
    if (cause != Cause::evicted) return;
    ++stats.evicted;
    if (!item.expiry().is_never()) ++stats.evicted_nonzero;
    if (!item.is_fetched()) ++stats.evicted_unfetched;
    if (item.frequency() > 0) ++stats.evicted_active;
    stats.last_evicted_age = now - std::min(now, item.last_access());
}

void Books::add_to(StoreStats& stats) const noexcept {
    for (unsigned id = 0; id < size_class_limit; ++id)
        stats.classes[id] += stats_[id];
    stats.work.add(work_);
}

void Books::reset() noexcept {
    for (ClassStats& stats : stats_) {
        ClassStats held;
        held.items = stats.items;
        held.bytes = stats.bytes;
        stats = held;
    }
    work_ = {};
}

}  // namespace twincached::storage
