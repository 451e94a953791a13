// Lines for the log, in the order in which they came, until its owner takes them; and the last of
// them that was no debugger's, which operators are shown.
// Owned by whoever takes them, written by that one's parts; the replication thread alone uses it.
#pragma once

#include "replication/replicator.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::replication::pair {

struct LogLine {
    LogLevel level = LogLevel::info;
    std::string text;
};

class LinkLog {
  public:
    LinkLog() = default;
    LinkLog(const LinkLog&) = delete;  // others write into this one
    LinkLog& operator=(const LinkLog&) = delete;

    void note(LogLevel level, std::string text) noexcept {
        if (level != LogLevel::debug) last_event_ = text;
        lines_.push_back({level, std::move(text)});
    }
    std::vector<LogLine> take() noexcept { return std::exchange(lines_, {}); }
    // Empty before the first.
    const std::string& last_event() const noexcept { return last_event_; }

  private:
    std::vector<LogLine> lines_;
    std::string last_event_;
};

}  // namespace twincached::replication::pair
