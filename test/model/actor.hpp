// Who acts: one node of a state, with the rules it follows. What every rule gets to see; a view
// for the length of one move, never kept.
#pragma once

#include "test/model/bounds.hpp"
#include "test/model/defect.hpp"
#include "test/model/state.hpp"

namespace twincached::model {

struct Rules {
    Bounds bounds;
    Defect defect = Defect::none;

    bool broken(Defect which) const noexcept { return defect == which; }
};

struct Actor {
    const Rules& rules;
    State& state;
    Side side;

    Node& self() const noexcept { return state.nodes[side]; }
    Node& peer() const noexcept { return state.nodes[peer_of(side)]; }
    Channel& inbox() const noexcept { return state.to[side]; }
    Channel& outbox() const noexcept { return state.to[peer_of(side)]; }

    void report(Violation violation) const noexcept {
        if (state.violation == Violation::none) state.violation = violation;
    }
};

inline bool counts_progress(const Actor& actor) noexcept {
    return actor.rules.bounds.events.rollbacks > 0;
}

// The peer has applied or acknowledged something in this session.
inline Progress& hear_in_session(const Actor& actor) noexcept {
    Progress& progress = actor.self().progress;
    if (progress.heard_session != progress.session) {
        progress.heard_session = progress.session;
        progress.heard_applied = 0;
        progress.heard_acknowledged = 0;
    }
    return progress;
}

// Queues a frame behind all that this node has queued before (R13: one connection, one queue). It
// is lost if the peer has given the connection up.
inline void post(const Actor& actor, const Frame& frame) noexcept {
    const bool current = actor.self().stale_stage == Stage::down;
    if (current && actor.peer().stage != Stage::down) actor.outbox().push(frame);
}

// The same for a frame that the peer acknowledges; returns its sequence number.
inline std::uint8_t post_reliable(const Actor& actor, Frame frame) noexcept {
    Node& self = actor.self();
    frame.sequence = ++self.unacknowledged;
    if (counts_progress(actor)) ++self.progress.sent;
    post(actor, frame);
    return frame.sequence;
}

// May it send one more frame that is acknowledged?
inline bool may_send(const Actor& actor) noexcept {
    const Node& self = actor.self();
    return self.stage == Stage::linked && actor.peer().stage != Stage::down &&
           self.unacknowledged < actor.rules.bounds.window;
}

}  // namespace twincached::model
