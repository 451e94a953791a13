#include "protocol/prefix_stats.hpp"

namespace twincached::protocol {

PrefixStats::Counts* PrefixStats::find(std::string_view key, char delimiter) {
    const auto size = key.find(delimiter);
    if (size == std::string_view::npos || size == 0) return nullptr;
    const auto prefix = key.substr(0, size);
    const auto found = counts_.find(prefix);
    if (found != counts_.end()) return &found->second;
    if (counts_.size() >= prefix_limit) return nullptr;
    return &counts_.emplace(prefix, Counts{}).first->second;
}

void PrefixStats::count_get(std::string_view key, char delimiter, bool hit) noexcept {
    const lib::MutexLock lock(mutex_);
    auto* const counts = find(key, delimiter);
    if (counts == nullptr) return;
    ++counts->gets;
    if (hit) ++counts->hits;
}

void PrefixStats::count_set(std::string_view key, char delimiter) noexcept {
    const lib::MutexLock lock(mutex_);
    if (auto* const counts = find(key, delimiter)) ++counts->sets;
}

void PrefixStats::count_delete(std::string_view key, char delimiter) noexcept {
    const lib::MutexLock lock(mutex_);
    if (auto* const counts = find(key, delimiter)) ++counts->deletes;
}

void PrefixStats::visit(Visitor visit) const {
    const lib::MutexLock lock(mutex_);
    for (const auto& [prefix, counts] : counts_)
        visit(prefix, counts);
}

void PrefixStats::clear() noexcept {
    const lib::MutexLock lock(mutex_);
    counts_.clear();
}

}  // namespace twincached::protocol
