// How much of the world one run of the model explores: the sizes of things, and how often each
// event may happen along one history. Every history within the bounds is looked at by a search;
// a random walk takes some of them, and so can afford larger bounds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::model {

// How often what happens to a pair: as a limit, or as what a history has spent of it.
struct Events {
    std::uint8_t writes = 0;  // sets and deletes, on both nodes together
    std::uint8_t touches = 0;
    std::uint8_t flushes = 0;
    std::uint8_t evictions = 0;  // also: a peer's item that finds no memory
    std::uint8_t expiries = 0;   // an item's time is over, and nobody has noticed yet
    std::uint8_t overflows = 0;  // the log is full of other buckets' entries
    std::uint8_t breaks = 0;     // one side loses the connection; the other may notice later
    std::uint8_t crashes = 0;    // with an immediate restart, empty
    std::uint8_t rollbacks = 0;  // a node is set back to a snapshot of itself
    std::uint8_t clock_jumps = 0;
    std::uint8_t schedules = 0;  // flushes to come; the time of all comes at once
    std::uint8_t restarts = 0;   // with memory: the last, or, with rollbacks, a snapshot
    std::uint8_t forgeries = 0;  // a frame that arrives tells of a version that cannot be
};

struct Bounds {
    std::uint8_t keys = 1;         // all in one replication bucket; at most max_keys
    std::uint8_t log_entries = 3;  // of a node's change log; at most max_log_entries
    std::uint8_t window = 2;       // frames sent and not yet acknowledged; at most max_window
    std::uint8_t linked = 1;       // 1: the pair begins linked and empty; 0: it has never met
    std::uint8_t digests = 0;      // 1: a dirty bucket may be told by its digest first (R16)
    Events events;
};

// Sets the bound of that name; false if there is none or the value is more than the model holds.
bool set_bound(Bounds& bounds, std::string_view name, unsigned value);

// "keys=1 writes=3 breaks=1 ...": what it takes to run the same again.
std::string describe(const Bounds& bounds);

}  // namespace twincached::model
