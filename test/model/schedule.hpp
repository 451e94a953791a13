// Rule R14b: a flush to come. Both nodes know of it; the one whose client asked for it carries it
// out. The other does if it is alone then, or if it has waited long enough in vain.
#pragma once

#include "test/model/actor.hpp"

namespace twincached::model {

// The client's command; a later one replaces an earlier one.
bool schedule_flush(const Actor& actor);
// The time of all scheduled flushes comes, on both nodes; none is scheduled afterwards.
bool come_due(const Actor& actor);
bool fire_schedule(const Actor& actor);
bool send_schedule(const Actor& actor);

// What a HELLO or a SCHED tells.
void apply_schedule(const Actor& actor, const Frame& frame);

}  // namespace twincached::model
