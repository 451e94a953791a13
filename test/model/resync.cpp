#include "test/model/resync.hpp"

#include "test/model/change_log.hpp"

#include <algorithm>

namespace twincached::model {

namespace {

std::uint8_t counted_from(std::uint8_t sequence, std::uint8_t base) noexcept {
    return sequence > base ? static_cast<std::uint8_t>(sequence - base) : std::uint8_t{0};
}

// What was freed by an acknowledgement must have been heard of: ack mode `received` builds on it.
void check_heard(const Actor& actor, const LogEntry& entry, std::uint8_t wants) {
    const bool same_incarnation =
        actor.self().peer_epoch == actor.peer().epoch && actor.state.spent.rollbacks == 0;
    const bool wanted = (wants >> entry.key & 1U) != 0;
    if (same_incarnation && !wanted && actor.peer().heard[entry.key] < entry.version)
        actor.report(Violation::freed_unheard);
}

void free_acknowledged(const Actor& actor, const Frame& ack) {
    Node& self = actor.self();
    for (unsigned i = self.log_size; i-- > 0;) {
        const LogEntry entry = self.log[i];
        if (entry.sequence == 0 || entry.sequence > ack.sequence) continue;
        check_heard(actor, entry, ack.wants);
        remove_entry(self, i);
    }
}

void count_from(const Actor& actor, std::uint8_t base, Channel& place) {
    Node& self = actor.self();
    for (unsigned i = 0; i < self.log_size; ++i)
        self.log[i].sequence = counted_from(self.log[i].sequence, base);
    self.walk = counted_from(self.walk, base);
    self.unacknowledged = counted_from(self.unacknowledged, base);
    for (unsigned i = 0; i < place.size; ++i) {
        Frame& frame = place.frames[i];
        if (frame.kind == FrameKind::ack) frame.sequence = counted_from(frame.sequence, base);
    }
    if (self.stale_stage != Stage::down) return;  // what it has sent there is lost
    Channel& out = actor.outbox();
    for (unsigned i = 0; i < out.size; ++i) {
        Frame& frame = out.frames[i];
        if (frame.kind != FrameKind::ack) frame.sequence = counted_from(frame.sequence, base);
    }
}

}  // namespace

void send_list(const Actor& actor) {
    const Rules& rules = actor.rules;
    Node& self = actor.self();
    Frame list;
    list.kind = FrameKind::list;
    for (unsigned key = 0; key < rules.bounds.keys; ++key) {
        const bool expired = (self.expired >> key & 1U) != 0;
        if (expired && rules.broken(Defect::expired_item_not_listed)) continue;
        drop_if_expired(actor, key);
        list.listed[key] = self.items[key];
        list.heard[key] = self.heard[key];
    }
    list.version = self.unreported;
    if (rules.broken(Defect::last_common_point))
        list.version = std::min(self.common_point, actor.peer().common_point);
    if (rules.broken(Defect::m_reset_at_list)) self.unreported = 0;
    self.dirty = false;
    self.walk = post_reliable(actor, list);
}

// What has expired and was not noticed is part of a digest: it still lies there.
void send_digest(const Actor& actor) {
    Node& self = actor.self();
    Frame digest;
    digest.kind = FrameKind::digest;
    digest.version = self.unreported;
    for (unsigned key = 0; key < actor.rules.bounds.keys; ++key)
        digest.listed[key] = self.items[key];
    self.dirty = false;
    self.walk = post_reliable(actor, digest);
}

bool is_equal(const Actor& actor, const Frame& digest) {
    const Node& self = actor.self();
    if (!actor.rules.broken(Defect::digest_floor_not_observed))
        observe(actor, time_of(digest.version));
    for (unsigned key = 0; key < actor.rules.bounds.keys; ++key) {
        const Version own = self.items[key];
        const Version theirs = digest.listed[key];
        const bool same = actor.rules.broken(Defect::digest_of_keys_alone)
                              ? (own == 0) == (theirs == 0)
                              : own == theirs;
        if (!same) return false;
    }
    return true;
}

void ask_for_list(const Actor& actor) {
    Node& self = actor.self();
    if (self.walk == 0) return;
    self.walk = 0;
    self.dirty = true;
    self.list_asked = true;
    if (actor.rules.broken(Defect::digest_denial_forgets_m)) self.unreported = 0;
}

std::uint8_t apply_list(const Actor& actor, const Frame& list, Memory memory) {
    const Rules& rules = actor.rules;
    Node& self = actor.self();
    observe(actor, time_of(list.version));
    std::uint8_t wants = 0;
    for (unsigned key = 0; key < rules.bounds.keys; ++key) {
        drop_if_expired(actor, key);
        const Version listed = list.listed[key];
        const Version own = self.items[key];
        if (listed != 0) {
            observe(actor, time_of(listed));
            const bool lacking_and_full = own == 0 && memory == Memory::full;
            if (lacking_and_full) actor.state.forgetful = true;
            if (listed > known(actor, key) && !lacking_and_full)
                wants = static_cast<std::uint8_t>(wants | 1U << key);
            continue;
        }
        const bool equal_counts = rules.broken(Defect::last_common_point);
        if (own != 0 && (own < list.version || (equal_counts && own == list.version))) {
            self.items[key] = 0;
            hear(self, key, list.heard[key]);
        }
    }
    return wants;
}

void record_wanted(const Actor& actor, std::uint8_t wants) {
    Node& self = actor.self();
    for (unsigned key = 0; key < actor.rules.bounds.keys; ++key) {
        if ((wants >> key & 1U) == 0) continue;
        drop_if_expired(actor, key);
        if (self.items[key] != 0) record(actor, key, self.items[key], true);
    }
}

void apply_ack(const Actor& actor, const Frame& ack, Channel& place) {
    Node& self = actor.self();
    if (counts_progress(actor)) {
        std::uint8_t& total = hear_in_session(actor).heard_acknowledged;
        total = static_cast<std::uint8_t>(total + ack.sequence);
    }
    record_wanted(actor, ack.wants);
    const bool walk_over = self.walk != 0 && self.walk <= ack.sequence;
    free_acknowledged(actor, ack);
    count_from(actor, ack.sequence, place);
    if (walk_over) self.list_asked = false;
    if (walk_over && !self.dirty) self.unreported = 0;
    if (actor.rules.broken(Defect::last_common_point) && self.log_size == 0 && !self.dirty)
        self.common_point = static_cast<Version>(write_version(self.time, 1) | 0xFU);
}

}  // namespace twincached::model
