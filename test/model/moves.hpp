// What can happen next: one function per move, and the table of all moves. A move either is
// possible and changes the state, or leaves it alone and says so.
#pragma once

#include "test/model/actor.hpp"

#include <cstdint>
#include <vector>

namespace twincached::model {

enum class MoveKind : std::uint8_t {
    // What clients do.
    write_key,
    delete_key,
    touch_key,
    flush_all,
    schedule_flush,
    // What a node does for itself.
    evict_key,
    expire_key,
    overflow_log,
    jump_clock,
    take_snapshot,
    // What the world does.
    come_due,
    lose_connection,
    crash,
    roll_back,
    restart_with_memory,
    restart_with_old_memory,
    give_up_memory,
    forge_version,
    forge_flush,
    // What the protocol does.
    dial,
    send_entry,
    send_touch,
    skip_entry,
    send_list,
    send_digest,
    send_flush,
    send_schedule,
    fire_schedule,
    receive,
    receive_without_memory,
    receive_stale,
    // What only broken rules do.
    free_by_timer,
    receive_ack_early,
};

struct Move {
    MoveKind kind = MoveKind::dial;
    std::uint8_t side = 0;
    std::uint8_t key = 0;
};

// All moves that the bounds leave open, protocol's last.
std::vector<Move> all_moves(const Rules& rules);

// False, and the state unchanged, if the move is not possible now.
bool perform(const Rules& rules, const Move& move, State& state);

// Does the protocol make it by itself, sooner or later?
bool is_protocol(MoveKind kind) noexcept;

}  // namespace twincached::model
