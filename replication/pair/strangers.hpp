// Those who called and were turned away: how many, and why, as lines for the log. Whoever they are,
// and whatever they say of themselves, they must not be able to fill it: a reason is told once
// until there is a session again, and lines come ever more seldom. Owned by the Engine; the
// replication thread alone calls it.
#pragma once

#include "lib/allocation.hpp"
#include "replication/pair/link_log.hpp"
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
    // Counts one, and tells why if that is news, and how many were not told of since the last line.
    // `from`: who called; empty: it is not known.
    void note(std::string_view why, Instant now, std::string_view from = {}) noexcept {
        ++count_;
        if (now < line_at_ || !told_.is_news(why)) {
            ++untold_;
            return;
        }
        line_at_ = now + pause_;
        pause_ = std::min(2 * pause_, stranger_line_pause_most);
        (void)lib::has_memory_for([&] {
            const auto others =
                untold_ == 0 ? std::string()
                             : "; " + std::to_string(untold_) + " others since the last such line";
            log_.note(LogLevel::warning, {"refused ", from.empty() ? "a call" : from,
                                          " on the link port: ", why, others});
        });
        untold_ = 0;
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
    std::uint64_t untold_ = 0;  // since the last line
    ReasonsTold told_;
    // The next line is not written before; each takes twice as long as the last.
    Instant line_at_{0};
    Timing::ms pause_ = stranger_line_pause;
    LinkLog log_;
};

}  // namespace twincached::replication::pair
