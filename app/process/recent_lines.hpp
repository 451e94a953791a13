// The last lines of the log, numbered, for who wants to see what happens without the file: twinctl
// watch and explain. Bounded; a line that finds no memory is left out. Owned by the log; any
// thread.
#pragma once

#include "lib/allocation.hpp"
#include "lib/mutex.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

struct RecentLine {
    std::uint64_t number = 0;  // from 1 on
    std::int64_t at_ms = 0;    // since 1970
    std::string_view level;    // a word of the log
    std::string text;
};

class RecentLines {
  public:
    static constexpr std::size_t most = 256;
    static constexpr std::size_t longest = 1000;  // bytes; the rest is cut off

    void add(std::int64_t at_ms, std::string_view level, std::string_view text) noexcept {
        (void)lib::has_memory_for([&] {
            const lib::MutexLock lock(mutex_);
            lines_.push_back({last_ + 1, at_ms, level, std::string(text.substr(0, longest))});
            ++last_;
            if (lines_.size() > most) lines_.pop_front();
        });
    }
    // Those behind that number which are still here, oldest first.
    std::vector<RecentLine> after(std::uint64_t number) const {
        const lib::MutexLock lock(mutex_);
        std::vector<RecentLine> found;
        for (const auto& line : lines_) {
            if (line.number > number) found.push_back(line);
        }
        return found;
    }

  private:
    mutable lib::Mutex mutex_;
    std::deque<RecentLine> lines_ GUARDED_BY(mutex_);
    std::uint64_t last_ GUARDED_BY(mutex_) = 0;
};

}  // namespace twincached::app
