// Whether a thread has stood still: its process was stopped (SIGSTOP), its machine slept, or it
// found no processor for that long. The thread says when it runs, at least once in pulse_ms(); if
// it has not for longer than the limit, it has paused, and what waited for it may be as old as
// that. Pure: it is told the time, in milliseconds of a clock that goes on through suspends and is
// never set. One per thread, which alone calls it.
#pragma once

#include <cstdint>

namespace twincached::lib {

class PauseDetector {
  public:
    // 0: it is never said to have paused.
    explicit PauseDetector(std::uint64_t limit_ms = 0) noexcept : limit_ms_(limit_ms) {}

    bool is_needed() const noexcept { return limit_ms_ != 0; }
    // An idle thread has to wake so often, so that a pause as long as the limit is always noticed
    // and a shorter one than five sixths of it never is.
    std::uint64_t pulse_ms() const noexcept { return limit_ms_ / 6; }
    // For a thread that has the pulse of this one: it notices a pause of a quarter of the limit.
    PauseDetector of_hiccups() const noexcept { return PauseDetector(limit_ms_ / 4); }

    // The thread runs. True if it has paused since it said so last.
    bool runs_at(std::uint64_t now_ms) noexcept {
        const bool has_paused =
            is_needed() && last_ms_ != 0 && now_ms > last_ms_ && now_ms - last_ms_ > limit_ms_;
        if (has_paused) {
            ++pauses_;
            ended_ms_ = now_ms;
            length_ms_ = now_ms - last_ms_;
        }
        last_ms_ = now_ms;
        return has_paused;
    }

    // How often it has; who deals with pauses remembers which one was the last that it dealt with.
    std::uint32_t pauses() const noexcept { return pauses_; }
    // Of the last pause; 0 before the first.
    std::uint64_t ended_ms() const noexcept { return ended_ms_; }
    std::uint64_t length_ms() const noexcept { return length_ms_; }

  private:
    std::uint64_t limit_ms_;
    std::uint64_t last_ms_ = 0;  // 0: it has not run yet
    std::uint64_t ended_ms_ = 0;
    std::uint64_t length_ms_ = 0;
    std::uint32_t pauses_ = 0;
};

}  // namespace twincached::lib
