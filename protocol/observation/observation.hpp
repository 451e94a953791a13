// What is noted of clients while they are served, for those who want to know: all of it off, or
// unwatched, by default, and then it costs a command one relaxed load each. One for all
// conversations; any thread.
#pragma once

#include "protocol/observation/hot_keys.hpp"
#include "protocol/observation/prefix_stats.hpp"
#include "protocol/observation/watch_log.hpp"

namespace twincached::protocol {

struct Observation {
    PrefixStats prefixes;  // `stats detail`
    HotKeys hot_keys;      // `stats hotkeys`
    WatchLog watch_log;    // `watch`

    // As `stats reset` does.
    void reset() noexcept {
        prefixes.clear();
        watch_log.reset_counts();
        hot_keys.clear();
    }
};

}  // namespace twincached::protocol
