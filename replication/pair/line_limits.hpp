// How much of what the link has to tell gets into the log. Whoever is at its other end can begin a
// session, end it, give an order or hand a role over a thousand times a second, and each of these
// is a line; a disk full of them would hide what they tell of. Enough for a day on which nodes are
// restarted and links break, then one in a while, which says how many there were before it.
// Owned by the pair's Engine, or the loop of a cluster's node, whose broker is such an other end;
// the replication thread alone calls it.
#pragma once

#include "lib/allocation.hpp"
#include "lib/time/rate_limit.hpp"
#include "replication/pair/link_log.hpp"
#include "replication/pair/timing.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace twincached::replication::pair {

class LineLimits {
  public:
    // Of each level for itself, so that what is harmless does not crowd out what is not.
    static constexpr std::uint64_t lines_at_once = 100;
    static constexpr Timing::ms line_pause{10'000};
    // Whoever wants to know of each vain call hears of two a second in daily life.
    static constexpr Timing::ms debug_line_pause{200};

    // Whether it is told. What was left out before is told of at its end.
    bool admits(LogLine& line, Instant now) noexcept {
        auto& level = levels_[static_cast<std::size_t>(line.level)];
        if (!level.limit.allows(static_cast<std::uint64_t>(now.count()))) {
            ++level.left_out;
            return false;
        }
        const auto left_out = std::exchange(level.left_out, 0);
        if (left_out == 0) return true;
        (void)lib::has_memory_for([&] {
            line.text +=
                "; " + std::to_string(left_out) + " lines of the link were left out before";
        });
        return true;
    }

  private:
    struct Level {
        lib::RateLimit limit{lines_at_once, line_pause};
        std::uint64_t left_out = 0;
    };
    // In the order of LogLevel.
    std::array<Level, 4> levels_{{{lib::RateLimit(lines_at_once, debug_line_pause)}, {}, {}, {}}};
};

}  // namespace twincached::replication::pair
