#include "test/model/session.hpp"

#include "test/model/change_log.hpp"
#include "test/model/records.hpp"
#include "test/model/schedule.hpp"

#include <algorithm>

namespace twincached::model {

namespace {

void say_hello(const Actor& actor) {
    Node& self = actor.self();
    self.stage = Stage::greeting;
    Frame hello;
    hello.kind = FrameKind::hello;
    hello.epoch = self.epoch;
    hello.time = self.time;
    hello.peer_epoch = self.peer_epoch;
    hello.progress = self.progress;
    if (!actor.rules.broken(Defect::schedule_not_in_hello)) {
        hello.schedule = self.schedule_told = self.schedule;
        hello.schedule_pending = self.schedule_pending;
    }
    if (!actor.rules.broken(Defect::flush_not_in_hello)) {
        hello.version = self.flush;
        self.flush_told = self.flush;
    }
    actor.outbox().push(hello);
}

bool is_former(const Node& node, std::uint8_t epoch) noexcept {
    return (node.former_peers >> epoch & 1U) != 0;
}

bool has_heard(const Node& node) noexcept {
    return node.progress.heard_session != 0;
}

// The other is to be told everything, for it may have nothing.
void begin_anew(const Actor& actor) {
    Node& self = actor.self();
    while (self.log_size > 0)
        overflow(actor);
    self.dirty = true;
    self.walk = 0;
    self.list_asked = false;
    // Its own HELLO has been numbered already, and both must count alike.
    const std::uint8_t session = self.progress.session;
    self.progress = {};
    self.progress.session = session;
}

// Follows another incarnation of the peer, or the same one anew.
void follow(const Actor& actor, const Frame& hello) {
    Node& self = actor.self();
    const bool former = counts_progress(actor) && is_former(self, hello.epoch);
    const auto newest = static_cast<Version>(write_version(self.time, 1) | 0xFU);
    if (self.peer_epoch != hello.epoch && counts_progress(actor))
        self.former_peers = static_cast<std::uint8_t>(self.former_peers | 1U << self.peer_epoch);
    begin_anew(actor);
    if (former && !actor.rules.broken(Defect::former_incarnation_followed)) fold(actor, newest);
}

// The other has heard of the node in a later session than the node was ever linked in, or more in
// the same one: the node is not what it was. Both nodes can tell, from the same numbers.
bool was_set_back(const Rules& rules, const Progress& node, const Progress& other) noexcept {
    if (rules.broken(Defect::rollback_seen_by_acks_alone))
        return node.applied < other.heard_acknowledged;
    if (other.heard_session != node.session) return other.heard_session > node.session;
    return node.sent < other.heard_applied || node.applied < other.heard_acknowledged;
}

// What a node that was set back holds may have been deleted or replaced since: in doubt, forget. It
// comes back as a new, empty incarnation; the peer, who sees the same, waits for that.
bool refuses_after_rollback(const Actor& actor, const Frame& hello) {
    Node& self = actor.self();
    const bool acquainted = self.peer_epoch == hello.epoch && hello.peer_epoch == self.epoch;
    const bool self_set_back = was_set_back(actor.rules, self.progress, hello.progress);
    const bool peer_set_back = was_set_back(actor.rules, hello.progress, self.progress);
    if (!acquainted || (!self_set_back && !peer_set_back)) return false;
    if (actor.rules.broken(Defect::rollback_keeps_items)) {
        begin_anew(actor);
        return false;
    }
    disconnect(actor);
    if (self_set_back) restart(actor);
    return true;
}

// The two do not count on each other: one is new, or was set back to before they met, or to before
// its last restart. Only the node itself can tell the former, only its peer the latter.
bool refuses_unknown_past(const Actor& actor, const Frame& hello) {
    const Node& self = actor.self();
    const bool knows_us = hello.peer_epoch == self.epoch;
    const bool same = self.peer_epoch == hello.epoch;
    const bool set_back =
        same ? !knows_us && has_heard(self) && hello.peer_epoch != 0
             : knows_us && hello.progress.heard_session != 0 && !is_former(self, hello.epoch);
    // What it heard since its own HELLO, over the older connection, is told in the next one.
    const bool peer_set_back = same && has_heard(self) && hello.peer_epoch == 0;
    if (actor.rules.broken(Defect::unknown_past_ignored)) return false;
    if (!set_back && !peer_set_back) return false;
    disconnect(actor);
    if (set_back) restart(actor);
    return true;
}

// Rule R15: what the peer does not confirm is forgotten; the node begins anew, empty.
bool refuses_own_memory(const Actor& actor, const Frame& hello) {
    Node& self = actor.self();
    if (!self.recalled) return false;
    const bool acquainted = self.peer_epoch == hello.epoch && hello.peer_epoch == self.epoch;
    const bool confirmed = acquainted &&
                           !was_set_back(actor.rules, self.progress, hello.progress) &&
                           !was_set_back(actor.rules, hello.progress, self.progress);
    const bool meets_fresh_one =
        self.was_alone && self.peer_epoch != hello.epoch && hello.peer_epoch == 0;
    self.recalled = false;
    if (confirmed || meets_fresh_one || actor.rules.broken(Defect::old_memory_believed))
        return false;
    disconnect(actor);
    restart(actor);
    actor.state.forgetful = true;
    return true;
}

}  // namespace

void remember(const Actor& actor, bool alone) {
    Node& self = actor.self();
    const bool left_a_peer = needs_peers_word(self);
    if (actor.rules.broken(Defect::log_forgotten_at_restart))
        self.log_size = 0;
    else
        while (self.log_size > 0)
            overflow(actor);
    self.recalled = true;
    self.was_alone = alone && !left_a_peer;
}

void end_session(const Actor& actor) {
    Node& self = actor.self();
    unsend_all(self);
    if (self.walk != 0) {
        if (!actor.rules.broken(Defect::walk_not_restarted))
            self.dirty = true;
        else if (!self.dirty)
            self.unreported = 0;
        self.walk = 0;
    }
    self.unacknowledged = 0;
    self.stale_stage = Stage::down;
    if (!actor.rules.broken(Defect::old_session_applied)) actor.state.stale_to[actor.side].clear();
}

void disconnect(const Actor& actor) {
    end_session(actor);
    actor.self().stage = Stage::down;
    actor.inbox().clear();
    actor.state.stale_to[actor.side].clear();
}

void connect(const Actor& actor) {
    assert(actor.self().stage == Stage::down);
    const Actor other{actor.rules, actor.state, peer_of(actor.side)};
    Node& peer = other.self();
    // The peer may still believe in the connection before. Only then has it anything to lose.
    if (peer.stage == Stage::readying || peer.stage == Stage::linked) {
        peer.stale_stage = peer.stage;
        actor.state.stale_to[other.side] = other.inbox();
    }
    actor.inbox().clear();
    other.inbox().clear();
    say_hello(actor);
    say_hello(other);
}

void apply_hello(const Actor& actor, const Frame& hello) {
    if (refuses_own_memory(actor, hello)) return;
    if (refuses_after_rollback(actor, hello)) return;
    if (counts_progress(actor) && refuses_unknown_past(actor, hello)) return;
    Node& self = actor.self();
    end_session(actor);
    const bool other_incarnation = self.peer_epoch != hello.epoch;
    const bool begins_anew =
        counts_progress(actor) && hello.peer_epoch != self.epoch && has_heard(self);
    if ((other_incarnation || begins_anew) && !actor.rules.broken(Defect::peer_incarnation_ignored))
        follow(actor, hello);
    flush_to(actor, hello.version);
    self.flush_told = std::max(self.flush_told, hello.version);
    observe(actor, hello.time);
    apply_schedule(actor, hello);

    self.peer_epoch = hello.epoch;
    if (counts_progress(actor))
        self.next_session =
            static_cast<std::uint8_t>(std::max(self.progress.session, hello.progress.session) + 1);

    Frame ready;
    ready.kind = FrameKind::ready;
    self.stage = Stage::readying;
    post(actor, ready);
}

void restart(const Actor& actor) {
    Node& self = actor.self();
    Node fresh;
    fresh.time = self.time;
    fresh.epoch = static_cast<std::uint8_t>(std::max(self.epoch, actor.peer().peer_epoch) + 1);
    self = fresh;
}

void apply_ready(const Actor& actor) {
    Node& self = actor.self();
    Stage& stage = self.stale_stage != Stage::down ? self.stale_stage : self.stage;
    stage = Stage::linked;
    if (actor.rules.broken(Defect::flush_before_ready_lost)) self.flush_told = self.flush;
    self.progress.session = self.next_session;
    self.progress.sent = 0;
    self.progress.applied = 0;
}

void flush_to(const Actor& actor, Version flush) {
    Node& self = actor.self();
    if (flush <= self.flush) return;
    self.flush = flush;
    for (unsigned key = 0; key < actor.rules.bounds.keys; ++key) {
        if (self.items[key] <= flush) {
            self.items[key] = 0;
            self.expired = static_cast<std::uint8_t>(self.expired & ~(1U << key));
        }
        hear(self, key, flush);
    }
    for (unsigned i = self.log_size; i-- > 0;)
        if (self.log[i].version <= flush) remove_entry(self, i);
    if (self.unreported <= flush) self.unreported = 0;
    if (actor.rules.broken(Defect::flush_cleans_newer_items)) self.dirty = false;
}

}  // namespace twincached::model
