// Hashes of keys whose removals are remembered, and are to be told again: others may not have read
// of them where they stood. In the order in which they are remembered. Owned by the engine, on the
// replication thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace twincached::replication::nats {

class UntoldRemovals {
  public:
    // Nothing is to be told, or on its way.
    bool empty() const noexcept { return hashes_.empty(); }
    bool has_next() const noexcept { return on_their_way_ < hashes_.size(); }

    // Throws std::bad_alloc.
    void add(std::uint64_t hash) { hashes_.push_back(hash); }
    void clear() noexcept {
        hashes_.clear();
        on_their_way_ = 0;
    }

    // REQUIRES of both: has_next().
    std::uint64_t next() const noexcept { return hashes_[on_their_way_]; }
    void send_next() noexcept { ++on_their_way_; }
    // told(hash) for each that was on its way.
    template <class Told>
    void settle(Told told) {
        for (; on_their_way_ > 0; --on_their_way_) {
            told(hashes_.front());
            hashes_.pop_front();
        }
    }
    void rewind() noexcept { on_their_way_ = 0; }

  private:
    std::deque<std::uint64_t> hashes_;
    std::size_t on_their_way_ = 0;  // the first of them
};

}  // namespace twincached::replication::nats
