// What the broker's clock says, by what this node's steady clock says: times in messages are the
// broker's, so that an item lives as long on a node that reads of it an hour later. Learnt from the
// messages of this node itself, which are read as soon as they are stored; until one is, both wall
// clocks are taken for right. Owned by the engine, on the replication thread.
#pragma once

#include "replication/records/clock_offset.hpp"
#include "storage/exptime.hpp"
#include "storage/now.hpp"

#include <algorithm>
#include <cstdint>

namespace twincached::replication::nats {

class BrokerClock {
  public:
    void observe(std::int64_t broker_ms, const storage::Now& now) noexcept {
        if (!is_learnt_) offset_.reset();
        is_learnt_ = true;
        offset_.observe(within(broker_ms), now.steady_ms);
    }
    // Only if nothing better is known.
    void guess(std::int64_t broker_ms, const storage::Now& now) noexcept {
        if (is_learnt_) return;
        offset_.reset();
        offset_.observe(within(broker_ms), now.steady_ms);
    }
    void guess_by_wall_clock(const storage::Now& now) noexcept {
        guess(now.unix_seconds * 1000, now);
    }

    std::uint64_t now_ms(const storage::Now& now) const noexcept { return there(now.steady_ms); }
    // Of this node's steady clock; 0, which is never, stays so.
    std::uint64_t there(std::uint64_t steady_ms) const noexcept {
        if (steady_ms == 0) return 0;
        const auto ms = static_cast<std::int64_t>(steady_ms) - offset_.offset_ms();
        return static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 1));
    }
    storage::Expiry expiry_here(std::uint64_t broker_ms) const noexcept {
        return offset_.to_expiry(broker_ms);
    }
    std::uint64_t here_ms(std::uint64_t broker_ms) const noexcept {
        return broker_ms == 0 ? 0 : offset_.to_local_ms(broker_ms);
    }

  private:
    static std::uint64_t within(std::int64_t ms) noexcept {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0));
    }
    ClockOffset offset_;
    bool is_learnt_ = false;
};

}  // namespace twincached::replication::nats
