// How a node stands at one moment, as those ask who send it clients or stay away: load balancers,
// keepalived, orchestrators, people. Here are the facts and what follows from them; who gathers
// them is node_view.hpp, who tells them answers.hpp and agent_line.hpp. Values; pure.
#pragma once

#include "lib/figure_row.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::app {

struct Standing {
    // --- of the process
    bool is_stopping = false;
    bool is_drained = false;  // by an operator
    // Since the last of these three changed, or since the start.
    std::chrono::seconds process_unchanged_for{0};
    // Since the client ports were first opened; none: they were not yet.
    std::optional<std::chrono::seconds> open_for;

    // --- of the replicator, in the words of replication/driver_figures.hpp; empty if it has none
    std::string state;
    std::string role;
    std::string access;
    std::string node;
    std::string peer;
    std::string last_refusal;
    std::string peer_role;     // as the peer says; empty: no session
    std::string peer_serving;  // likewise: READY, COLD
    std::uint64_t state_seconds = 0;
    std::uint64_t role_seconds = 0;
    std::uint64_t access_seconds = 0;
    std::optional<std::uint64_t> contact_seconds;  // since the peer was heard; none: never
    std::uint64_t lag_ms = 0;
    std::uint64_t unacked = 0;
    std::uint64_t dirty_buckets = 0;
    std::uint64_t resync_percent = 100;
    std::optional<std::uint64_t> resync_seconds;  // that are left of it; none: not known

    // Takes what it knows of; any other figure is passed over.
    void take(const lib::Figure& figure, std::string_view value);
};

// Whether something is so, and a line that says why: plain text without a line's end.
struct Verdict {
    bool holds = false;
    std::string why;
};

// What the node is to its clients, in one word: stopping, drained, cold, closed, read-only or open;
// and for how long it has been that.
std::string_view phase_of(const Standing& standing) noexcept;
std::chrono::seconds phase_age(const Standing& standing) noexcept;

// May clients come? Never a matter of how many there are.
Verdict readiness(const Standing& standing);
// And is this the node that a balancer should prefer? One without a peer is, and each of a cluster.
Verdict primacy(const Standing& standing);
Verdict secondariness(const Standing& standing);
// And does the peer hold the same, but for what is on its way? Not for longer than `most_lag`, if
// that is given.
Verdict synchrony(const Standing& standing, std::optional<std::chrono::milliseconds> most_lag);

// What the link to the peer is doing, in words: distinct for every state that a driver has.
std::string link_text(const Standing& standing);

// For the service manager's STATUS: as readiness() says it, without what changes at every look.
std::string service_status(const Standing& standing);

// Of all buckets, those that are to be compared: 0 to 100, 1 if it is less than that but some.
unsigned percent_left(std::uint64_t dirty_buckets) noexcept;

// Of the buckets of both nodes that a resync began with, those that are left: 1 to 100, for it is
// not over yet. REQUIRES: SYNCING.
unsigned resync_percent_left(const Standing& standing) noexcept;

// Without what would end a line or is no plain ASCII: texts of other nodes are among the figures.
std::string printable(std::string_view text);

}  // namespace twincached::app
