// What the engine of a cluster's node tells of itself, and the rows of it. The driver copies the
// report from the replication thread, and adds what it alone knows of the broker. Plain values.
#pragma once

#include "lib/counters.hpp"
#include "lib/figure_row.hpp"
#include "replication/changes/tracking_counter.hpp"
#include "replication/nats/cluster_options.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/cluster_counter.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

enum class ClusterState : std::uint8_t {
    disconnected,  // from the broker
    joining,       // it learns from another node, or looks for one to learn from
    comparing,     // the same, bucket by bucket, of a node that serves clients meanwhile
    in_step,
};
std::string_view name_of(ClusterState state) noexcept;

struct MemberReport {
    bool is_live = false;  // it is heard
    bool is_ready = false;
    bool is_in_step = false;
    Sequence consumed = 0;        // of this site's stream, as it last said
    std::uint64_t silent_ms = 0;  // by the clock of the log
};

struct ClusterReport {
    unsigned node = 0;
    ClusterState state = ClusterState::disconnected;
    bool is_ready = false;
    std::string last_event;
    bool is_refused = false;    // others believe nothing it says, or it believes no other
    std::string refusal;        // why the broker takes nothing that this node says; empty: it does
    std::string waits_for;      // what it lacks to be in step, or of another site's; empty: nothing
    std::string stream_doubts;  // what somebody has set streams to, as they were looked at last
    std::uint64_t state_since_ms = 0;  // on this node's steady clock
    std::array<MemberReport, nodes_limit> members{};
    std::uint64_t live_members = 0;  // without this one
    Era era = 0;                     // of what this node holds
    Sequence consumed = 0;           // of this site's stream
    Sequence last = 0;               // the last that is known to be there
    // Of the batch that is on its way; of what waits, for how long nothing was taken.
    std::uint64_t lag_ms = 0;
    std::uint64_t unacked = 0;
    std::uint64_t unsent = 0;
    std::uint64_t log_bytes = 0;
    std::uint64_t dirty_buckets = 0;
    std::uint64_t removals = 0;         // kept until all have passed them
    std::uint64_t removals_folded = 0;  // for which there was no room
    std::uint64_t digest = 0;
    lib::Tally<ClusterCounter> counted;
    lib::Tally<TrackingCounter> tracked;

    std::uint64_t operator[](ClusterCounter name) const noexcept { return counted[name]; }
    std::uint64_t operator[](TrackingCounter name) const noexcept { return tracked[name]; }
};

std::span<const lib::FigureRow<ClusterReport>> cluster_rows() noexcept;

// What its context tells; the rest is the engine's.
ClusterReport report_of(const ClusterContext& context);

}  // namespace twincached::replication::nats
