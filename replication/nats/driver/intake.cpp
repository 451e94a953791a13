#include "replication/nats/driver/intake.hpp"

#include "lib/allocation.hpp"

#include <algorithm>

namespace twincached::replication::nats {
namespace {

std::size_t bytes_of(const Arrival& arrival) noexcept {
    if (!arrival.message) return 0;
    return static_cast<std::size_t>(std::max(natsMsg_GetDataLength(arrival.message.get()), 0));
}

}  // namespace

void Intake::push(Arrival arrival) noexcept {
    std::unique_lock lock(mutex_);
    if (arrival.message) room_.wait(lock, [this] { return is_closed_ || !is_full(); });
    if (is_closed_) return;
    // A message for which there is no memory is lost on the way, and its consumer finds the gap.
    const auto bytes = bytes_of(arrival);
    if (!lib::has_memory_for([&] { arrivals_.push_back(std::move(arrival)); })) return;
    bytes_ += bytes;
    if (!is_woken_) is_woken_ = lib::has_memory_for(wake_);
}

std::optional<Arrival> Intake::take() {
    std::optional<Arrival> arrival;
    {
        const std::lock_guard lock(mutex_);
        if (arrivals_.empty()) {
            is_woken_ = false;
            return arrival;
        }
        arrival = std::move(arrivals_.front());
        arrivals_.pop_front();
        bytes_ -= bytes_of(*arrival);
    }
    room_.notify_one();
    return arrival;
}

void Intake::close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    arrivals_.clear();
    bytes_ = 0;
    room_.notify_all();
}

}  // namespace twincached::replication::nats
