// How often something may be done that anybody can ask for: so many times at once, and then once in
// a while. It is told the time, in milliseconds of a clock that never goes back. One owner, no
// lock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace twincached::lib {

class RateLimit {
  public:
    // `pause`: after which it may be done once more.
    explicit RateLimit(std::uint64_t at_once,
                       std::chrono::milliseconds pause = std::chrono::seconds(1)) noexcept
        : full_(at_once), pause_ms_(static_cast<std::uint64_t>(pause.count())), left_(at_once) {}

    // Whether it may be done now; then it counts as done.
    bool allows(std::uint64_t now_ms) noexcept {
        const auto refills = (now_ms - std::min(now_ms, since_ms_)) / pause_ms_;
        left_ = std::min(full_, left_ + refills);
        since_ms_ += refills * pause_ms_;
        if (left_ == full_) since_ms_ = std::max(since_ms_, now_ms);
        if (left_ == 0) return false;
        --left_;
        return true;
    }

  private:
    const std::uint64_t full_;
    const std::uint64_t pause_ms_;
    std::uint64_t left_;
    std::uint64_t since_ms_ = 0;  // up to when refills have been counted
};

}  // namespace twincached::lib
