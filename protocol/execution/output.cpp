#include "protocol/execution/output.hpp"

#include <algorithm>
#include <utility>

namespace twincached::protocol {

// What finds no memory is counted nowhere: a size that nothing stands for is never written.
void Output::append(storage::PinnedValue value) {
    if (value.bytes().empty()) return;
    if (!tail_.empty()) {
        Segment closed;
        closed.bytes = std::move(tail_);
        closed.rest = closed.bytes.readable();
        queue_.push_back(std::move(closed));
        queued_size_ += queue_.back().rest.size();
    }
    Segment pinned;
    pinned.rest = value.bytes();
    pinned.pinned = std::move(value);
    queue_.push_back(std::move(pinned));
    queued_size_ += queue_.back().rest.size();
}

std::size_t Output::held_bytes() const noexcept {
    std::size_t bytes = tail_.capacity() + queue_.capacity() * sizeof(Segment);
    for (auto i = first_; i < queue_.size(); ++i)
        bytes += queue_[i].bytes.capacity();
    return bytes;
}

std::size_t Output::gather(std::span<std::string_view> segments) const noexcept {
    std::size_t used = 0;
    for (auto i = first_; i < queue_.size() && used < segments.size(); ++i) {
        segments[used++] = queue_[i].rest;
    }
    if (used < segments.size() && !tail_.empty()) segments[used++] = tail_.readable();
    return used;
}

void Output::consume(std::size_t count) noexcept {
    while (count > 0 && first_ < queue_.size()) {
        auto& segment = queue_[first_];
        const auto written = std::min(count, segment.rest.size());
        segment.rest.remove_prefix(written);
        queued_size_ -= written;
        count -= written;
        if (!segment.rest.empty()) return;
        segment = Segment();  // a pinned value is let go as soon as it is written
        ++first_;
    }
    if (first_ == queue_.size()) {
        queue_.clear();
        first_ = 0;
    }
    tail_.consume(count);
}

void Output::truncate(std::size_t size) noexcept {
    if (size >= queued_size_) return tail_.truncate(size - queued_size_);
    tail_.truncate(0);
    while (queued_size_ > size) {
        auto& last = queue_.back();
        const auto surplus = std::min(queued_size_ - size, last.rest.size());
        last.rest.remove_suffix(surplus);
        queued_size_ -= surplus;
        if (last.rest.empty()) queue_.pop_back();
    }
    if (first_ < queue_.size()) return;
    queue_.clear();
    first_ = 0;
}

void Output::release() noexcept {
    std::vector<Segment>().swap(queue_);
    first_ = 0;
    tail_.release();
}

}  // namespace twincached::protocol
