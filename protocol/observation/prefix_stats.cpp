#include "protocol/observation/prefix_stats.hpp"

#include <functional>
#include <new>
#include <utility>
#include <vector>

namespace twincached::protocol {

// A key that begins with the delimiter, or has none, has no prefix. What finds no place, for want
// of memory or because a client invents prefixes, is counted as overflow: nothing is thrown out for
// it.
void PrefixStats::count(std::string_view key, char delimiter, const Counts& more) noexcept {
    const auto size = key.find(delimiter);
    if (size == std::string_view::npos || size == 0) return;
    if (size > prefix_bytes_limit) return note_overflow();
    const auto hash = std::hash<std::string_view>()(key.substr(0, size));
    auto& stripe = stripes_[hash % stripe_count];
    const lib::MutexLock lock(stripe.mutex);
    try {
        std::string prefix(key.substr(0, size));
        auto found = stripe.counts.find(prefix);
        if (found == stripe.counts.end()) {
            if (stripe.counts.size() >= prefix_limit / stripe_count) return note_overflow();
            found = stripe.counts.emplace(std::move(prefix), Counts{}).first;
        }
        found->second.gets += more.gets;
        found->second.hits += more.hits;
        found->second.sets += more.sets;
        found->second.deletes += more.deletes;
    } catch (const std::bad_alloc&) {
        note_overflow();
    }
}

void PrefixStats::count_get(std::string_view key, char delimiter, bool hit) noexcept {
    Counts more;
    more.gets = 1;
    more.hits = hit ? 1 : 0;
    count(key, delimiter, more);
}

void PrefixStats::count_set(std::string_view key, char delimiter) noexcept {
    Counts more;
    more.sets = 1;
    count(key, delimiter, more);
}

void PrefixStats::count_delete(std::string_view key, char delimiter) noexcept {
    Counts more;
    more.deletes = 1;
    count(key, delimiter, more);
}

// Copied first, a part at a time: no client waits for a lock while one who asked gets his answer.
// Sorting all would take longer than telling them.
void PrefixStats::visit(Visitor visit) const {
    std::vector<std::pair<std::string, Counts>> some;
    for (const auto& stripe : stripes_) {
        {
            const lib::MutexLock lock(stripe.mutex);
            some.assign(stripe.counts.begin(), stripe.counts.end());
        }
        for (const auto& [prefix, counts] : some)
            visit(prefix, counts);
    }
}

std::size_t PrefixStats::prefixes() const noexcept {
    std::size_t sum = 0;
    for (const auto& stripe : stripes_) {
        const lib::MutexLock lock(stripe.mutex);
        sum += stripe.counts.size();
    }
    return sum;
}

void PrefixStats::clear() noexcept {
    for (auto& stripe : stripes_) {
        const lib::MutexLock lock(stripe.mutex);
        stripe.counts.clear();
    }
    overflow_.store(0, std::memory_order_relaxed);
}

}  // namespace twincached::protocol
