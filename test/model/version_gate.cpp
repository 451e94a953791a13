#include "test/model/version_gate.hpp"

#include "test/model/client_moves.hpp"

#include <algorithm>

namespace twincached::model {

namespace {

constexpr unsigned forged_time = last_time + 30;

bool carries_version(FrameKind kind) noexcept {
    switch (kind) {
        case FrameKind::hello:
        case FrameKind::item:
        case FrameKind::touch:
        case FrameKind::remove:
        case FrameKind::list:
        case FrameKind::digest:
        case FrameKind::flush:
        case FrameKind::schedule:
            return true;
        case FrameKind::ready:
        case FrameKind::ack:
        case FrameKind::want:
        case FrameKind::list_request:
            return false;
    }
    return false;
}

bool spend_forgery(const Actor& actor) noexcept {
    return spend(actor.state.spent.forgeries, actor.rules.bounds.events.forgeries);
}

unsigned newest_time(const Frame& frame) noexcept {
    Version newest = std::max(frame.version, frame.schedule);
    for (const Version listed : frame.listed)
        newest = std::max(newest, listed);
    return std::max<unsigned>(time_of(newest), frame.time);
}

// No node knows of a flush, done or to come, that its own clock has not passed.
bool is_ahead_of_sender(const Frame& hello) noexcept {
    return std::max(time_of(hello.version), time_of(hello.schedule)) > hello.time;
}

}  // namespace

bool forge_version(const Actor& actor) {
    Channel& in = actor.inbox();
    if (in.empty() || !carries_version(in.frames[0].kind) || !spend_forgery(actor)) return false;
    Frame& frame = in.frames[0];
    frame.forged = true;
    if (frame.kind == FrameKind::hello) {
        frame.time = forged_time;
    } else if (frame.kind == FrameKind::schedule) {
        frame.schedule = write_version(forged_time, peer_of(actor.side));
    } else {
        frame.version = write_version(forged_time, peer_of(actor.side));
    }
    return true;
}

bool forge_flush(const Actor& actor) {
    Channel& in = actor.inbox();
    if (in.empty() || in.frames[0].kind != FrameKind::hello || !spend_forgery(actor)) return false;
    Frame& hello = in.frames[0];
    hello.forged = true;
    const unsigned clock = std::max<unsigned>(hello.time, actor.self().time);
    hello.version = delete_version(clock + 2, peer_of(actor.side));
    return true;
}

bool refuses_version(const Actor& actor, const Frame& frame) {
    const Rules& rules = actor.rules;
    if (rules.bounds.events.forgeries == 0 || !carries_version(frame.kind)) return false;
    const bool is_hello = frame.kind == FrameKind::hello;
    const bool too_far = newest_time(frame) > last_time;
    const bool ahead = is_hello && is_ahead_of_sender(frame);
    const bool refused = (too_far && !rules.broken(Defect::version_gate_left_out)) ||
                         (ahead && !rules.broken(Defect::flush_above_clock_followed));
    if (refused && !frame.forged) actor.report(Violation::honest_refused);
    return refused;
}

void check_clock(const Actor& actor) {
    if (actor.rules.bounds.events.forgeries == 0) return;
    const Node& self = actor.self();
    if (self.time > last_time || time_of(self.flush) > self.time) actor.report(Violation::poisoned);
}

}  // namespace twincached::model
