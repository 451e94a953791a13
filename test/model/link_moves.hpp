// The moves of the world and of the protocol between the nodes: see moves.hpp.
#pragma once

#include "test/model/actor.hpp"
#include "test/model/records.hpp"

namespace twincached::model {

bool lose_connection(const Actor& actor);
bool crash(const Actor& actor);
bool take_snapshot(const Actor& actor);
bool roll_back(const Actor& actor);
// Rule R15: an orderly stop, and a start with what was remembered, or with a snapshot of earlier.
bool restart_with_memory(const Actor& actor);
bool restart_with_old_memory(const Actor& actor);
// Nobody has confirmed the memory in time: the node begins anew, empty.
bool give_up_memory(const Actor& actor);
bool dial(const Actor& actor);

bool send_entry(const Actor& actor);
bool send_touch(const Actor& actor);
bool skip_entry(const Actor& actor);
bool walk_bucket(const Actor& actor);
bool tell_digest(const Actor& actor);
bool send_flush(const Actor& actor);

bool receive(const Actor& actor, Memory memory);
bool receive_stale(const Actor& actor);

bool free_by_timer(const Actor& actor);
bool receive_ack_early(const Actor& actor);

}  // namespace twincached::model
