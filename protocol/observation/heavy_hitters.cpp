#include "protocol/observation/heavy_hitters.hpp"

#include <algorithm>
#include <utility>

namespace twincached::protocol {

HeavyHitters::HeavyHitters(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {
    slots_.reserve(capacity_);
    heap_.reserve(capacity_);
    numbers_.reserve(capacity_);
}

void HeavyHitters::add(std::string_view key, std::uint64_t weight) {
    key = key.substr(0, storage::key_size_limit);
    const auto found = numbers_.find(key);
    std::size_t number = 0;
    if (found != numbers_.end()) {
        number = found->second;
    } else if (slots_.size() < capacity_) {
        number = slots_.size();
        slots_.emplace_back();
        heap_.push_back(number);
        slots_[number].place = number;
        take_slot(number, key);
        rise(slots_[number].place);
    } else {
        number = heap_.front();
        numbers_.erase(slots_[number].key());
        slots_[number].error = slots_[number].weight;
        take_slot(number, key);
    }
    total_ += weight;
    slots_[number].weight += weight;
    sink(slots_[number].place);
}

void HeavyHitters::take_slot(std::size_t number, std::string_view key) {
    auto& slot = slots_[number];
    std::copy(key.begin(), key.end(), slot.text.begin());
    slot.size = key.size();
    numbers_.emplace(slot.key(), number);
}

// Equal weights go by key, so that two calls in a row show the same order.
std::vector<HeavyHitters::Entry> HeavyHitters::top(std::size_t count) const {
    std::vector<Entry> entries;
    entries.reserve(slots_.size());
    for (const auto& slot : slots_) {
        if (slot.weight > 0) entries.push_back({slot.key(), slot.weight, slot.error});
    }
    const auto end = entries.begin() + static_cast<std::ptrdiff_t>(std::min(count, entries.size()));
    std::partial_sort(entries.begin(), end, entries.end(), [](const auto& left, const auto& right) {
        return left.weight != right.weight ? left.weight > right.weight : left.key < right.key;
    });
    entries.erase(end, entries.end());
    return entries;
}

void HeavyHitters::clear() noexcept {
    numbers_.clear();
    heap_.clear();
    slots_.clear();
    total_ = 0;
}

void HeavyHitters::sink(std::size_t place) noexcept {
    for (;;) {
        auto lightest = place;
        for (const auto child : {2 * place + 1, 2 * place + 2}) {
            if (child < heap_.size() && weight_at(child) < weight_at(lightest)) lightest = child;
        }
        if (lightest == place) return;
        exchange(place, lightest);
        place = lightest;
    }
}

void HeavyHitters::rise(std::size_t place) noexcept {
    while (place > 0 && weight_at(place) < weight_at((place - 1) / 2)) {
        exchange(place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
}

void HeavyHitters::exchange(std::size_t left, std::size_t right) noexcept {
    std::swap(heap_[left], heap_[right]);
    slots_[heap_[left]].place = left;
    slots_[heap_[right]].place = right;
}

}  // namespace twincached::protocol
