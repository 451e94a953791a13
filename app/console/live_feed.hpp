// What one who looks on is told, step by step, as server-sent events (HTML, 9.2). Whoever comes
// gets all at once; afterwards he gets how the node stands at each step, everything that it knows
// of itself once a second, and what has happened when it has.
//
//     standing   /status without figures, latency and hot keys
//     status     /status
//     link       lines that the link has logged, as /events tells them
//     history    /history
//
// One for each stream, owned by its connection; pure.
#pragma once

#include "lib/function_ref.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::app {

class LiveFeed {
  public:
    // A node that stands still has been silent for three of these before a second is over.
    static constexpr std::chrono::milliseconds interval{250};
    static constexpr unsigned steps_of_a_status = 4;

    struct Lines {
        std::string json;          // an array
        std::uint64_t newest = 0;  // number of the last line; not above what was asked: none is new
    };
    // Each is JSON. Asked in next() alone.
    struct Sources {
        lib::FunctionRef<std::string()> standing;
        lib::FunctionRef<std::string()> status;
        lib::FunctionRef<std::string()> history;
        lib::FunctionRef<Lines(std::uint64_t)> link_lines_after;
    };

    // To be asked each `interval`.
    std::string next(const Sources& sources);

  private:
    unsigned step_ = 0;  // of the second that runs
    std::uint64_t newest_line_ = 0;
    std::string history_;
};

// One event. No byte of the text ends it, or begins another.
std::string event_text(std::string_view name, std::string_view text);

}  // namespace twincached::app
