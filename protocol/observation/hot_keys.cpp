#include "protocol/observation/hot_keys.hpp"

#include "protocol/observation/request_sampler.hpp"

#include <new>

namespace twincached::protocol {

bool HotKeys::set_enabled(bool enabled) noexcept {
    const lib::MutexLock lock(mutex_);
    try {
        if (enabled && sketches_ == nullptr) {
            sketches_ = std::make_unique<Sketches>(Sketches{
                HeavyHitters(kept), HeavyHitters(kept), HeavyHitters(kept), HeavyHitters(kept)});
        }
    } catch (const std::bad_alloc&) {
        return false;
    }
    if (!enabled) sketches_.reset();
    enabled_.store(enabled, std::memory_order_relaxed);
    return true;
}

void HotKeys::note(std::string_view key, char delimiter, std::uint64_t value_bytes) noexcept {
    const lib::MutexLock lock(mutex_);
    if (sketches_ == nullptr) return;
    auto& of = *sketches_;
    const auto add = [&of](Ranking ranking, std::string_view text, std::uint64_t weight) {
        if (weight > 0) of[static_cast<std::size_t>(ranking)].add(text, weight);
    };
    try {
        add(Ranking::keys_by_requests, key, 1);
        add(Ranking::keys_by_bytes, key, value_bytes);
        const auto end = key.find(delimiter);
        if (end == std::string_view::npos || end == 0) return;
        add(Ranking::prefixes_by_requests, key.substr(0, end), 1);
        add(Ranking::prefixes_by_bytes, key.substr(0, end), value_bytes);
    } catch (const std::bad_alloc&) {
        return;  // a sample less
    }
}

void HotKeys::clear() noexcept {
    const lib::MutexLock lock(mutex_);
    if (sketches_ == nullptr) return;
    for (auto& sketch : *sketches_)
        sketch.clear();
}

void HotKeys::visit(std::size_t count, lib::FunctionRef<void(const Line&)> visit) const {
    const lib::MutexLock lock(mutex_);
    if (sketches_ == nullptr) return;
    for (std::size_t i = 0; i < sketches_->size(); ++i) {
        std::size_t rank = 0;
        for (const auto& entry : (*sketches_)[i].top(count)) {
            visit({static_cast<Ranking>(i), ++rank, entry.key,
                   entry.weight * RequestSampler::one_in, entry.error * RequestSampler::one_in});
        }
    }
}

std::uint64_t HotKeys::total(Ranking ranking) const noexcept {
    const lib::MutexLock lock(mutex_);
    if (sketches_ == nullptr) return 0;
    return (*sketches_)[static_cast<std::size_t>(ranking)].total() * RequestSampler::one_in;
}

std::uint64_t HotKeys::requests() const noexcept {
    return total(Ranking::keys_by_requests);
}

std::uint64_t HotKeys::bytes() const noexcept {
    return total(Ranking::keys_by_bytes);
}

}  // namespace twincached::protocol
