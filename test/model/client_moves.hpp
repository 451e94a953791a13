// The moves of clients and of a node for itself: see moves.hpp.
#pragma once

#include "test/model/actor.hpp"

namespace twincached::model {

bool write_key(const Actor& actor, unsigned key);
bool delete_key(const Actor& actor, unsigned key);
bool touch_key(const Actor& actor, unsigned key);
bool flush_all(const Actor& actor);
bool evict_key(const Actor& actor, unsigned key);
bool expire_key(const Actor& actor, unsigned key);
bool overflow_log(const Actor& actor);
bool jump_clock(const Actor& actor);

// Counts an event against its bound; false if nothing of it is left.
bool spend(std::uint8_t& spent, std::uint8_t limit) noexcept;

}  // namespace twincached::model
