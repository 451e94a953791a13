#include "test/model/link_moves.hpp"

#include "test/model/change_log.hpp"
#include "test/model/client_moves.hpp"
#include "test/model/resync.hpp"
#include "test/model/schedule.hpp"
#include "test/model/session.hpp"
#include "test/model/version_gate.hpp"

#include <algorithm>

namespace twincached::model {

namespace {

// Cumulative, and so one acknowledgement at the end of the queue stands for all before.
void acknowledge(const Actor& actor, std::uint8_t sequence, std::uint8_t wants) {
    const bool separate = actor.rules.broken(Defect::want_after_ack);
    Frame ack;
    ack.kind = FrameKind::ack;
    ack.sequence = sequence;
    ack.wants = separate ? std::uint8_t{0} : wants;
    Channel& out = actor.outbox();
    const bool current = actor.self().stale_stage == Stage::down;
    if (current && !out.empty() && out.frames[out.size - 1U].kind == FrameKind::ack) {
        Frame& last = out.frames[out.size - 1U];
        last.sequence = sequence;
        last.wants = static_cast<std::uint8_t>(last.wants | ack.wants);
    } else {
        post(actor, ack);
    }
    if (!separate || wants == 0) return;
    Frame want;
    want.kind = FrameKind::want;
    want.wants = wants;
    post(actor, want);
}

std::uint8_t apply_record(const Actor& actor, const Frame& frame, Memory memory) {
    const auto key_bit = static_cast<std::uint8_t>(1U << frame.key);
    switch (frame.kind) {
        case FrameKind::item:
            apply_item(actor, frame.key, frame.version, memory);
            return 0;
        case FrameKind::touch:
            return apply_touch(actor, frame.key, frame.version, memory) ? key_bit : 0;
        case FrameKind::remove:
            apply_delete(actor, frame.key, frame.version);
            return 0;
        case FrameKind::list:
            return apply_list(actor, frame, memory);
        case FrameKind::flush:
            observe(actor, time_of(frame.version));
            flush_to(actor, frame.version);
            // What was told in an older session is no news that the peer of this one has: it may
            // have restarted since.
            if (actor.self().stale_stage == Stage::down ||
                actor.rules.broken(Defect::flush_told_to_old_session))
                actor.self().flush_told = std::max(actor.self().flush_told, frame.version);
            return 0;
        case FrameKind::schedule:
            apply_schedule(actor, frame);
            return 0;
        case FrameKind::digest:
        case FrameKind::hello:
        case FrameKind::ready:
        case FrameKind::ack:
        case FrameKind::want:
        case FrameKind::list_request:
            break;
    }
    return 0;
}

void count_applied(const Actor& actor) {
    if (!counts_progress(actor)) return;
    hear_in_session(actor).heard_applied = ++actor.self().progress.applied;
}

// Rule R16: if the digest is another one the list is asked for, and that before the ACK.
void answer_digest(const Actor& actor, const Frame& digest) {
    const bool differs = !is_equal(actor, digest);
    const bool late = actor.rules.broken(Defect::list_asked_after_ack);
    Frame request;
    request.kind = FrameKind::list_request;
    count_applied(actor);
    if (differs && !late) post(actor, request);
    acknowledge(actor, digest.sequence, 0);
    if (differs && late) post(actor, request);
}

void apply(const Actor& actor, const Frame& frame, Channel& place, Memory memory) {
    switch (frame.kind) {
        case FrameKind::hello:
            apply_hello(actor, frame);
            return;
        case FrameKind::ready:
            apply_ready(actor);
            return;
        case FrameKind::ack:
            apply_ack(actor, frame, place);
            return;
        case FrameKind::want:
            record_wanted(actor, frame.wants);
            return;
        case FrameKind::list_request:
            ask_for_list(actor);
            return;
        case FrameKind::digest:
            answer_digest(actor, frame);
            return;
        case FrameKind::item:
        case FrameKind::touch:
        case FrameKind::remove:
        case FrameKind::list:
        case FrameKind::flush:
        case FrameKind::schedule:
            break;
    }
    const std::uint8_t wants = apply_record(actor, frame, memory);
    count_applied(actor);
    acknowledge(actor, frame.sequence, wants);
}

void handle(const Actor& actor, const Frame& frame, Channel& place, Memory memory) {
    if (refuses_version(actor, frame)) return disconnect(actor);
    apply(actor, frame, place, memory);
    check_clock(actor);
}

LogEntry* head_to_send(const Actor& actor) noexcept {
    return may_send(actor) ? next_unsent(actor.self()) : nullptr;
}

// R3: the current item, or a DEL if it is gone.
Frame frame_of(const Node& self, const LogEntry& entry) noexcept {
    Frame frame;
    frame.key = entry.key;
    const Version present = self.items[entry.key];
    const bool expired = (self.expired >> entry.key & 1U) != 0;
    const bool alive = present != 0 && present >= entry.version && !expired;
    frame.kind = alive ? FrameKind::item : FrameKind::remove;
    frame.version = alive ? present : entry.version;
    return frame;
}

void send(const Actor& actor, LogEntry& entry, const Frame& frame) {
    entry.sequence = post_reliable(actor, frame);
    if (!actor.rules.broken(Defect::tombstone_freed_when_sent)) return;
    Node& self = actor.self();
    remove_entry(self, static_cast<unsigned>(&entry - self.log.data()));
}

}  // namespace

bool lose_connection(const Actor& actor) {
    if (actor.self().stage == Stage::down) return false;
    const bool first = actor.peer().stage != Stage::down;
    if (first && !spend(actor.state.spent.breaks, actor.rules.bounds.events.breaks)) return false;
    disconnect(actor);
    return true;
}

bool crash(const Actor& actor) {
    if (!spend(actor.state.spent.crashes, actor.rules.bounds.events.crashes)) return false;
    disconnect(actor);
    restart(actor);
    return true;
}

bool take_snapshot(const Actor& actor) {
    if (actor.rules.bounds.events.rollbacks == 0 || actor.state.snapshot_of != 2) return false;
    actor.state.snapshot = actor.self();
    actor.state.snapshot_of = static_cast<std::uint8_t>(actor.side);
    return true;
}

namespace {

bool set_back(const Actor& actor) {
    if (actor.state.snapshot_of != actor.side) return false;
    if (!spend(actor.state.spent.rollbacks, actor.rules.bounds.events.rollbacks)) return false;
    Node& self = actor.self();
    const std::uint8_t time = self.time;
    disconnect(actor);
    self = actor.state.snapshot;
    end_session(actor);
    self.stage = Stage::down;
    self.time = time;  // the clock on the wall has not gone back
    actor.state.snapshot = Node{};
    return true;
}

}  // namespace

// Runs with restarts look at memories alone: a machine that is set back over a restart of the
// process is a known limit.
bool roll_back(const Actor& actor) {
    return actor.rules.bounds.events.restarts == 0 && set_back(actor);
}

bool restart_with_memory(const Actor& actor) {
    if (!spend(actor.state.spent.restarts, actor.rules.bounds.events.restarts)) return false;
    const bool alone = actor.self().stage == Stage::down;
    disconnect(actor);
    remember(actor, alone);
    return true;
}

bool restart_with_old_memory(const Actor& actor) {
    if (actor.rules.bounds.events.restarts == 0) return false;
    const bool alone = actor.state.snapshot.stage == Stage::down;
    if (!set_back(actor)) return false;
    remember(actor, alone);
    return true;
}

bool give_up_memory(const Actor& actor) {
    if (!needs_peers_word(actor.self()) || actor.self().stage != Stage::down) return false;
    restart(actor);
    actor.state.forgetful = true;
    return true;
}

bool dial(const Actor& actor) {
    if (actor.self().stage != Stage::down) return false;
    connect(actor);
    return true;
}

bool send_entry(const Actor& actor) {
    LogEntry* entry = head_to_send(actor);
    if (entry == nullptr) return false;
    send(actor, *entry, frame_of(actor.self(), *entry));
    return true;
}

bool send_touch(const Actor& actor) {
    if (actor.rules.bounds.events.touches == 0) return false;
    LogEntry* entry = head_to_send(actor);
    if (entry == nullptr || entry->whole) return false;
    Frame frame = frame_of(actor.self(), *entry);
    if (frame.kind != FrameKind::item || touches_of(frame.version) == 0) return false;
    frame.kind = FrameKind::touch;
    send(actor, *entry, frame);
    return true;
}

bool skip_entry(const Actor& actor) {
    LogEntry* entry = head_to_send(actor);
    if (entry == nullptr) return false;
    if (entry->whole && !actor.rules.broken(Defect::wanted_key_skipped)) return false;
    Node& self = actor.self();
    const Frame frame = frame_of(self, *entry);
    if (frame.kind != FrameKind::item || author_of(frame.version) == actor.side) return false;
    remove_entry(self, static_cast<unsigned>(entry - self.log.data()));
    return true;
}

bool walk_bucket(const Actor& actor) {
    if (!may_send(actor) || !actor.self().dirty || actor.self().walk != 0) return false;
    send_list(actor);
    return true;
}

bool tell_digest(const Actor& actor) {
    const Node& self = actor.self();
    if (!may_send(actor) || !self.dirty || self.walk != 0 || self.list_asked) return false;
    send_digest(actor);
    return true;
}

bool send_flush(const Actor& actor) {
    Node& self = actor.self();
    if (!may_send(actor) || self.flush_told >= self.flush) return false;
    Frame frame;
    frame.kind = FrameKind::flush;
    frame.version = self.flush_told = self.flush;
    post_reliable(actor, frame);
    return true;
}

bool receive(const Actor& actor, Memory memory) {
    Channel& in = actor.inbox();
    if (in.empty()) return false;
    const FrameKind kind = in.frames[0].kind;
    if (memory == Memory::full) {
        const bool needs_memory =
            kind == FrameKind::item || kind == FrameKind::touch || kind == FrameKind::list;
        if (!needs_memory) return false;
        Events& spent = actor.state.spent;
        if (!spend(spent.evictions, actor.rules.bounds.events.evictions)) return false;
    }
    const Frame frame = in.take(0);
    handle(actor, frame, in, memory);
    return true;
}

bool receive_stale(const Actor& actor) {
    Channel& in = actor.state.stale_to[actor.side];
    if (in.empty()) return false;
    const Frame frame = in.take(0);
    if (actor.self().stale_stage != Stage::down) {
        handle(actor, frame, in, Memory::free);
        return true;
    }
    apply_record(actor, frame, Memory::free);  // broken: the session it belongs to has ended
    return true;
}

bool free_by_timer(const Actor& actor) {
    Node& self = actor.self();
    if (self.log_size == 0 || self.log[0].sequence == 0) return false;
    remove_entry(self, 0);
    return true;
}

bool receive_ack_early(const Actor& actor) {
    Channel& in = actor.inbox();
    for (unsigned i = 1; i < in.size; ++i) {
        if (in.frames[i].kind != FrameKind::ack) continue;
        const Frame ack = in.take(i);
        apply_ack(actor, ack, in);
        return true;
    }
    return false;
}

}  // namespace twincached::model
