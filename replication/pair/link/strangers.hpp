// Those who called and were turned away: how many, and why, as lines for the log. Whoever they are,
// and whatever they say of themselves, they must not be able to fill it: a reason is told once
// until there is a session again, and lines come ever more seldom. Owned by the Engine; the
// replication thread alone calls it.
#pragma once

#include "replication/pair/link/link_log.hpp"
#include "replication/pair/reasons_told.hpp"
#include "replication/pair/timing.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::replication::pair {

class Strangers {
  public:
    // Counts one, and tells why if that is news.
    void note(std::string_view why, Instant now) noexcept {
        ++count_;
        if (now < line_at_ || !told_.is_news(why)) return;
        line_at_ = now + pause_;
        pause_ = std::min(2 * pause_, stranger_line_pause_most);
        log_.note(LogLevel::warning, {"turned away a connection: ", why});
    }
    // A session begins: what comes after it is told again.
    void forget_told() noexcept {
        told_.forget();
        pause_ = stranger_line_pause;
    }
    // Since the start.
    std::uint64_t count() const noexcept { return count_; }
    LinkLog& log() noexcept { return log_; }

  private:
    std::uint64_t count_ = 0;
    ReasonsTold told_;
    // The next line is not written before; each takes twice as long as the last.
    Instant line_at_{0};
    Timing::ms pause_ = stranger_line_pause;
    LinkLog log_;
};

}  // namespace twincached::replication::pair
