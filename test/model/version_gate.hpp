// What may not be believed of versions that arrive, and who makes such up: a peer gone bad, a wire,
// a clock far ahead. The model's wall clock is behind its version clock by less than `last_time`,
// so what an honest node tells of is always below; a frame that is not ends the session, and
// nothing of it is applied (storage/version.hpp, VersionGate).
#pragma once

#include "test/model/actor.hpp"

namespace twincached::model {

// The last time that a version may have: now and clock-max-ahead.
constexpr unsigned last_time = 200;

// The first frame that waits for the node tells of a time beyond all that may be.
bool forge_version(const Actor& actor);
// The HELLO that waits first tells of a flush that its sender's clock has not passed.
bool forge_flush(const Actor& actor);

// The frame cannot be true: the session must end. Reports an honest one.
bool refuses_version(const Actor& actor, const Frame& frame);
// Reports a clock that follows what cannot be, and a flush of all that is written from now on.
void check_clock(const Actor& actor);

}  // namespace twincached::model
