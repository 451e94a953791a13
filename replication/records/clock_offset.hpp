// How far another clock, the peer's or a broker's, is behind this node's steady clock, learnt from
// its time stamps: the smallest difference seen within a minute, which is the true one plus the
// fastest delivery. With it, an item expires on all nodes at the same moment, whatever their clocks
// say and however long a record waited to be sent (REPLICATION.md section 3). One thread.
#pragma once

#include "storage/exptime.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace twincached::replication {

class ClockOffset {
  public:
    void reset() noexcept { *this = {}; }

    void observe(std::uint64_t peer_ms, std::uint64_t local_ms) noexcept {
        const auto difference = within_bounds(local_ms) - within_bounds(peer_ms);
        const auto slice = local_ms / slice_ms;
        auto& slot = slots_[slice % slots_.size()];
        if (slot.slice != slice || slot.least == none) slot = {slice, none};
        slot.least = std::min(slot.least, difference);
        offset_ms_ = slot.least;
        for (const auto& other : slots_) {
            if (other.least == none || other.slice + slots_.size() <= slice) continue;
            offset_ms_ = std::min(offset_ms_, other.least);
        }
    }

    std::int64_t offset_ms() const noexcept { return offset_ms_; }

    // A time on the peer's steady clock, 0 = never, as an expiry here. Rounded up to the second of
    // our clock: a lock may be held a little longer here, but is not let go before its time.
    storage::Expiry to_expiry(std::uint64_t peer_ms) const noexcept {
        if (peer_ms == 0) return storage::Expiry::never();
        constexpr std::int64_t last_tick = std::numeric_limits<storage::Tick>::max();
        const auto local_ms = within_bounds(peer_ms) + offset_ms_;
        const auto tick = local_ms < 0 ? 0 : (local_ms + 999) / 1000;
        return storage::Expiry::at(static_cast<storage::Tick>(std::min(tick, last_tick)));
    }
    // The same as a time, at least 1.
    std::uint64_t to_local_ms(std::uint64_t peer_ms) const noexcept {
        const auto local = within_bounds(peer_ms) + offset_ms_;
        return local < 1 ? 1 : static_cast<std::uint64_t>(local);
    }

  private:
    static constexpr std::uint64_t slice_ms = 10'000;
    // Whatever a peer says, sums of it do not overflow.
    static constexpr std::int64_t within_bounds(std::uint64_t ms) noexcept {
        return static_cast<std::int64_t>(std::min(ms, std::uint64_t{1} << 60));
    }
    static constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();

    struct Slot {
        std::uint64_t slice = 0;
        std::int64_t least = none;
    };
    std::array<Slot, 6> slots_{};
    std::int64_t offset_ms_ = 0;
};

}  // namespace twincached::replication
