// Lines for the log, in the order in which they came, until its owner takes them; and the last of
// them that was no debugger's, which operators are shown. A line that finds no memory is left out:
// what it tells of has happened all the same.
// Owned by whoever takes them, written by that one's parts; the replication thread alone uses it.
#pragma once

#include "lib/allocation.hpp"
#include "replication/replicator.hpp"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::replication::pair {

struct LogLine {
    LogLevel level = LogLevel::info;
    std::string text;
};

// What stands between the words of a line and its reader: the first "the peer" of it is who that
// is, by name and address. The machines below know neither.
inline std::string with_peer_named(std::string text, std::string_view name) {
    constexpr std::string_view words = "the peer";
    const auto at = text.find(words);
    if (!name.empty() && at != std::string::npos) text.replace(at, words.size(), name);
    return text;
}

class LinkLog {
  public:
    LinkLog() = default;
    LinkLog(const LinkLog&) = delete;  // others write into this one
    LinkLog& operator=(const LinkLog&) = delete;

    // The parts of a line, one after the other. False: it is left out.
    bool note(LogLevel level, std::initializer_list<std::string_view> parts) noexcept {
        return lib::has_memory_for([&] {
            std::string text;
            for (const auto part : parts)
                text.append(part);
            if (level != LogLevel::debug) last_event_ = text;
            lines_.push_back({level, std::move(text)});
        });
    }
    std::size_t size() const noexcept { return lines_.size(); }
    std::vector<LogLine> take() noexcept { return std::exchange(lines_, {}); }
    // Empty before the first.
    const std::string& last_event() const noexcept { return last_event_; }

  private:
    std::vector<LogLine> lines_;
    std::string last_event_;
};

}  // namespace twincached::replication::pair
