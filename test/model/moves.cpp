#include "test/model/moves.hpp"

#include "test/model/client_moves.hpp"
#include "test/model/link_moves.hpp"
#include "test/model/schedule.hpp"
#include "test/model/session.hpp"
#include "test/model/version_gate.hpp"

namespace twincached::model {

namespace {

bool needs_key(MoveKind kind) noexcept {
    return kind == MoveKind::write_key || kind == MoveKind::delete_key ||
           kind == MoveKind::touch_key || kind == MoveKind::evict_key ||
           kind == MoveKind::expire_key;
}

bool is_clients(MoveKind kind) noexcept {
    return kind == MoveKind::write_key || kind == MoveKind::delete_key ||
           kind == MoveKind::touch_key || kind == MoveKind::flush_all ||
           kind == MoveKind::schedule_flush;
}

bool is_about_schedules(MoveKind kind) noexcept {
    return kind == MoveKind::schedule_flush || kind == MoveKind::come_due ||
           kind == MoveKind::send_schedule || kind == MoveKind::fire_schedule;
}

bool is_forgery(MoveKind kind) noexcept {
    return kind == MoveKind::forge_version || kind == MoveKind::forge_flush;
}

bool is_open(const Rules& rules, MoveKind kind) noexcept {
    if (is_forgery(kind)) return rules.bounds.events.forgeries > 0;
    if (kind == MoveKind::free_by_timer) return rules.broken(Defect::tombstone_freed_by_timer);
    if (kind == MoveKind::send_digest) return rules.bounds.digests > 0;
    if (is_about_schedules(kind)) return rules.bounds.events.schedules > 0;
    if (kind == MoveKind::receive_ack_early) return rules.broken(Defect::ack_out_of_band);
    return true;
}

}  // namespace

std::vector<Move> all_moves(const Rules& rules) {
    std::vector<Move> moves;
    const auto last = static_cast<unsigned>(MoveKind::receive_ack_early);
    for (unsigned number = 0; number <= last; ++number) {
        const auto kind = static_cast<MoveKind>(number);
        if (!is_open(rules, kind)) continue;
        const unsigned keys = needs_key(kind) ? rules.bounds.keys : 1U;
        const unsigned sides = kind == MoveKind::come_due ? 1U : 2U;
        for (std::uint8_t side = 0; side < sides; ++side)
            for (std::uint8_t key = 0; key < keys; ++key)
                moves.push_back({kind, side, key});
    }
    return moves;
}

bool perform(const Rules& rules, const Move& move, State& state) {
    const Actor actor{rules, state, move.side};
    if (is_clients(move.kind) && needs_peers_word(actor.self())) return false;
    switch (move.kind) {
        case MoveKind::write_key:
            return write_key(actor, move.key);
        case MoveKind::delete_key:
            return delete_key(actor, move.key);
        case MoveKind::touch_key:
            return touch_key(actor, move.key);
        case MoveKind::flush_all:
            return flush_all(actor);
        case MoveKind::schedule_flush:
            return schedule_flush(actor);
        case MoveKind::come_due:
            return come_due(actor);
        case MoveKind::evict_key:
            return evict_key(actor, move.key);
        case MoveKind::expire_key:
            return expire_key(actor, move.key);
        case MoveKind::overflow_log:
            return overflow_log(actor);
        case MoveKind::jump_clock:
            return jump_clock(actor);
        case MoveKind::take_snapshot:
            return take_snapshot(actor);
        case MoveKind::lose_connection:
            return lose_connection(actor);
        case MoveKind::crash:
            return crash(actor);
        case MoveKind::roll_back:
            return roll_back(actor);
        case MoveKind::restart_with_memory:
            return restart_with_memory(actor);
        case MoveKind::restart_with_old_memory:
            return restart_with_old_memory(actor);
        case MoveKind::give_up_memory:
            return give_up_memory(actor);
        case MoveKind::forge_version:
            return forge_version(actor);
        case MoveKind::forge_flush:
            return forge_flush(actor);
        case MoveKind::dial:
            return dial(actor);
        case MoveKind::send_entry:
            return send_entry(actor);
        case MoveKind::send_touch:
            return send_touch(actor);
        case MoveKind::skip_entry:
            return skip_entry(actor);
        case MoveKind::send_list:
            return walk_bucket(actor);
        case MoveKind::send_digest:
            return tell_digest(actor);
        case MoveKind::send_flush:
            return send_flush(actor);
        case MoveKind::send_schedule:
            return send_schedule(actor);
        case MoveKind::fire_schedule:
            return fire_schedule(actor);
        case MoveKind::receive:
            return receive(actor, Memory::free);
        case MoveKind::receive_without_memory:
            return receive(actor, Memory::full);
        case MoveKind::receive_stale:
            return receive_stale(actor);
        case MoveKind::free_by_timer:
            return free_by_timer(actor);
        case MoveKind::receive_ack_early:
            return receive_ack_early(actor);
    }
    return false;
}

bool is_protocol(MoveKind kind) noexcept {
    switch (kind) {
        case MoveKind::send_entry:
        case MoveKind::send_list:
        case MoveKind::send_digest:
        case MoveKind::send_flush:
        case MoveKind::send_schedule:
        case MoveKind::fire_schedule:
        case MoveKind::receive:
        case MoveKind::receive_stale:
            return true;
        default:
            return false;
    }
}

}  // namespace twincached::model
