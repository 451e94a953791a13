#include "protocol/output.hpp"

#include <algorithm>
#include <utility>

namespace twincached::protocol {

void Output::append(storage::PinnedValue value) {
    if (!tail_.empty()) {
        Segment closed;
        closed.bytes = std::move(tail_);
        closed.rest = closed.bytes.readable();
        queued_size_ += closed.rest.size();
        queue_.push_back(std::move(closed));
    }
    Segment pinned;
    pinned.rest = value.bytes();
    pinned.pinned = std::move(value);
    queued_size_ += pinned.rest.size();
    queue_.push_back(std::move(pinned));
}

std::size_t Output::gather(std::span<std::string_view> segments) const noexcept {
    std::size_t used = 0;
    for (const auto& segment : queue_) {
        if (used == segments.size()) return used;
        segments[used++] = segment.rest;
    }
    if (used < segments.size() && !tail_.empty()) segments[used++] = tail_.readable();
    return used;
}

void Output::consume(std::size_t count) noexcept {
    while (count > 0 && !queue_.empty()) {
        auto& first = queue_.front();
        const auto written = std::min(count, first.rest.size());
        first.rest.remove_prefix(written);
        queued_size_ -= written;
        count -= written;
        if (!first.rest.empty()) return;
        queue_.pop_front();
    }
    tail_.consume(count);
}

void Output::release() noexcept { tail_.release(); }

}  // namespace twincached::protocol
