// How often something may be done that anybody can ask for: so many times at once, and then once a
// second. It is told the time, in milliseconds of a clock that never goes back. One owner, no lock.
#pragma once

#include <algorithm>
#include <cstdint>

namespace twincached::app {

class RateLimit {
  public:
    explicit RateLimit(std::uint64_t at_once) noexcept : full_(at_once), left_(at_once) {}

    // Whether it may be done now; then it counts as done.
    bool allows(std::uint64_t now_ms) noexcept {
        const auto refills = (now_ms - std::min(now_ms, since_ms_)) / refill_ms;
        left_ = std::min(full_, left_ + refills);
        since_ms_ += refills * refill_ms;
        if (left_ == full_) since_ms_ = std::max(since_ms_, now_ms);
        if (left_ == 0) return false;
        --left_;
        return true;
    }

  private:
    static constexpr std::uint64_t refill_ms = 1000;

    const std::uint64_t full_;
    std::uint64_t left_;
    std::uint64_t since_ms_ = 0;  // up to when refills have been counted
};

}  // namespace twincached::app
