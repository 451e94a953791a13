// Which reasons have been told of late, so that a reason is one line in the log however often it
// comes back, also if a few of them take turns; counters tell how often. A value; one thread.
#pragma once

#include "lib/allocation.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

class ReasonsTold {
  public:
    // Whether it is not among the last that were news; it is from now on, if there is memory.
    bool is_news(std::string_view why) noexcept {
        if (std::find(last_.begin(), last_.end(), why) != last_.end()) return false;
        if (lib::has_memory_for([&] { last_[next_] = why; })) next_ = (next_ + 1) % last_.size();
        return true;
    }
    // What was told is over: if it comes back, that is news.
    void forget() noexcept { *this = {}; }

  private:
    static constexpr std::size_t turns_limit = 4;
    std::array<std::string, turns_limit> last_;
    std::size_t next_ = 0;
};

}  // namespace twincached::replication::pair
