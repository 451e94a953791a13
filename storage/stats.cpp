#include "storage/stats.hpp"

#include <algorithm>

namespace twincached::storage {

ClassStats& ClassStats::operator+=(const ClassStats& other) noexcept {
    items += other.items;
    bytes += other.bytes;
    evicted += other.evicted;
    evicted_nonzero += other.evicted_nonzero;
    evicted_unfetched += other.evicted_unfetched;
    evicted_active += other.evicted_active;
    last_evicted_age = std::max(last_evicted_age, other.last_evicted_age);
    expired += other.expired;
    expired_unfetched += other.expired_unfetched;
    no_memory += other.no_memory;
    collected += other.collected;
    examined += other.examined;
    kept += other.kept;
    kept_again += other.kept_again;
    oldest_age = std::max(oldest_age, other.oldest_age);
    oldest_fresh = std::max(oldest_fresh, other.oldest_fresh);
    return *this;
}

void StoreStats::total_up() noexcept {
    for (const ClassStats& of_class : classes)
        total += of_class;
}

}  // namespace twincached::storage
