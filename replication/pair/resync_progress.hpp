// How far a resync has come, by the buckets that are left, and when it will be over if it goes on
// as it did in the last seconds: the buckets of an empty node are compared in no time, those of the
// other with its items. A bucket is a bucket whatever it holds, so both are estimates. No clock:
// whoever notes says when. Owned by the Engine; the replication thread alone.
#pragma once

#include "replication/pair/timing.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace twincached::replication::pair {

class ResyncProgress {
  public:
    // From so much of it on, and after that long, its pace says something.
    static constexpr unsigned least_percent = 2;
    static constexpr std::chrono::seconds least_time{1};
    static constexpr std::chrono::seconds between_lines{10};
    // Its pace is that of one such time at least, and of two at most.
    static constexpr std::chrono::seconds pace_time{3};

    // So many buckets of both nodes are still to be compared. More than there were when it began:
    // it begins anew.
    void note(std::uint64_t left, Instant now) noexcept {
        if (left > most_ || left_ == 0) {
            most_ = left;
            line_at_ = now;
            pace_from_ = mark_ = {left, now};
        } else if (now - mark_.at >= pace_time) {
            pace_from_ = std::exchange(mark_, {left, now});
        }
        left_ = left;
        now_ = now;
        if (left == 0) most_ = 0;
    }
    // There is nobody to compare with: what is left stays so.
    void pause(std::uint64_t left, Instant now) noexcept {
        left_ = 0;
        note(left, now);
    }

    // 100: nothing is left.
    unsigned percent() const noexcept {
        return most_ == 0 ? 100 : static_cast<unsigned>(100 * (most_ - left_) / most_);
    }
    // 0: nothing is left; none: it is not known yet.
    std::optional<std::chrono::seconds> remaining() const noexcept {
        using std::chrono::seconds;
        if (left_ == 0) return seconds(0);
        const auto took = now_ - pace_from_.at;
        if (percent() < least_percent || took < least_time || left_ >= pace_from_.left)
            return std::nullopt;
        const auto whole = took.count() * static_cast<std::int64_t>(left_);
        const Instant rest(whole / static_cast<std::int64_t>(pace_from_.left - left_));
        return std::chrono::ceil<seconds>(rest);
    }
    // Somebody should hear of it again; true once each time.
    bool is_line_due() noexcept {
        if (left_ == 0 || now_ - line_at_ < between_lines) return false;
        line_at_ = now_;
        return true;
    }

  private:
    // So much was left then.
    struct Mark {
        std::uint64_t left = 0;
        Instant at{0};
    };

    std::uint64_t most_ = 0;  // when it began
    std::uint64_t left_ = 0;
    Mark pace_from_;
    Mark mark_;  // where the pace is taken from, once it is old enough
    Instant line_at_{0};
    Instant now_{0};
};

}  // namespace twincached::replication::pair
