#include "test/model/schedule.hpp"

#include "test/model/client_moves.hpp"
#include "test/model/records.hpp"
#include "test/model/session.hpp"

namespace twincached::model {

bool schedule_flush(const Actor& actor) {
    State& state = actor.state;
    if (state.is_due) return false;
    if (!spend(state.spent.schedules, actor.rules.bounds.events.schedules)) return false;
    Node& self = actor.self();
    self.schedule = write_version(++self.time, actor.side);
    self.schedule_pending = true;
    self.schedule_own = true;
    return true;
}

bool come_due(const Actor& actor) {
    State& state = actor.state;
    if (state.is_due || state.spent.schedules == 0) return false;
    state.is_due = true;
    return true;
}

bool fire_schedule(const Actor& actor) {
    const Rules& rules = actor.rules;
    Node& self = actor.self();
    if (!actor.state.is_due || !self.schedule_pending) return false;
    const bool alone = self.stage != Stage::linked;
    // Nothing takes as long to arrive as a node waits.
    const bool waited = actor.inbox().empty() && actor.outbox().empty();
    if (!self.schedule_own && !alone && !waited) return false;
    const bool is_void = self.schedule <= self.flush;
    self.schedule_pending = false;
    if (is_void && !rules.broken(Defect::schedule_outlives_flush)) return true;
    if (!self.schedule_own && !alone && rules.broken(Defect::schedule_given_up_while_linked))
        return true;
    if (is_void) actor.report(Violation::flushed_twice);
    flush_to(actor, delete_version(++self.time, actor.side));
    self.dirty = false;
    return true;
}

bool send_schedule(const Actor& actor) {
    Node& self = actor.self();
    if (!may_send(actor) || self.schedule_told >= self.schedule) return false;
    // That it is over must not be known to a peer that has not heard of the flush.
    if (self.flush_told < self.flush && !actor.rules.broken(Defect::schedule_before_flush))
        return false;
    Frame frame;
    frame.kind = FrameKind::schedule;
    frame.schedule = self.schedule_told = self.schedule;
    frame.schedule_pending = self.schedule_pending;
    post_reliable(actor, frame);
    return true;
}

void apply_schedule(const Actor& actor, const Frame& frame) {
    Node& self = actor.self();
    observe(actor, time_of(frame.schedule));
    // What was told in an older session is no news that the peer of this one has.
    if (self.stale_stage == Stage::down && self.schedule_told < frame.schedule)
        self.schedule_told = frame.schedule;
    if (frame.schedule <= self.schedule) return;
    self.schedule = frame.schedule;
    self.schedule_pending = frame.schedule_pending;
    self.schedule_own = false;
}

}  // namespace twincached::model
