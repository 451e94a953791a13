#include "test/model/client_moves.hpp"

#include "test/model/change_log.hpp"
#include "test/model/records.hpp"
#include "test/model/session.hpp"

namespace twincached::model {

namespace {

const Events& limits(const Actor& actor) noexcept {
    return actor.rules.bounds.events;
}

Events& spent(const Actor& actor) noexcept {
    return actor.state.spent;
}

}  // namespace

bool spend(std::uint8_t& spent, std::uint8_t limit) noexcept {
    if (spent >= limit) return false;
    ++spent;
    return true;
}

bool write_key(const Actor& actor, unsigned key) {
    if (!spend(spent(actor).writes, limits(actor).writes)) return false;
    Node& self = actor.self();
    drop_if_expired(actor, key);
    const Version version = write_version(++self.time, actor.side);
    self.items[key] = version;
    hear(self, key, version);
    record(actor, key, version);
    return true;
}

bool delete_key(const Actor& actor, unsigned key) {
    if (!spend(spent(actor).writes, limits(actor).writes)) return false;
    Node& self = actor.self();
    drop_if_expired(actor, key);
    const bool miss = self.items[key] == 0;
    const Version version = delete_version(++self.time, actor.side);
    self.items[key] = 0;
    hear(self, key, version);
    if (!miss || !actor.rules.broken(Defect::no_delete_on_miss)) record(actor, key, version);
    return true;
}

bool touch_key(const Actor& actor, unsigned key) {
    Node& self = actor.self();
    const bool expired = (self.expired >> key & 1U) != 0;
    if (self.items[key] == 0 || expired) return false;
    if (!spend(spent(actor).touches, limits(actor).touches)) return false;
    const Version before = self.items[key];
    const Version version = touches_of(before) < most_touches
                                ? touched_version(before, actor.side)
                                : write_version(++self.time, actor.side);
    self.items[key] = version;
    hear(self, key, version);
    record(actor, key, version);
    return true;
}

bool flush_all(const Actor& actor) {
    if (!spend(spent(actor).flushes, limits(actor).flushes)) return false;
    Node& self = actor.self();
    flush_to(actor, delete_version(++self.time, actor.side));
    self.dirty = false;  // R14: newer than all that is here, so nothing is left to report
    return true;
}

bool evict_key(const Actor& actor, unsigned key) {
    if (actor.self().items[key] == 0) return false;
    if (!spend(spent(actor).evictions, limits(actor).evictions)) return false;
    drop(actor, key);
    return true;
}

bool expire_key(const Actor& actor, unsigned key) {
    Node& self = actor.self();
    if (self.items[key] == 0 || (self.expired >> key & 1U) != 0) return false;
    if (!spend(spent(actor).expiries, limits(actor).expiries)) return false;
    self.expired = static_cast<std::uint8_t>(self.expired | 1U << key);
    actor.state.forgetful = true;
    return true;
}

bool overflow_log(const Actor& actor) {
    if (actor.self().log_size == 0) return false;
    if (!spend(spent(actor).overflows, limits(actor).overflows)) return false;
    overflow(actor);
    return true;
}

bool jump_clock(const Actor& actor) {
    if (!spend(spent(actor).clock_jumps, limits(actor).clock_jumps)) return false;
    Node& self = actor.self();
    self.time = static_cast<std::uint8_t>(self.time + 2);
    return true;
}

}  // namespace twincached::model
