// Rules R11, R12 and R14: how a session begins and ends, what both sides tell each other before
// any data, and the flush register that every HELLO carries.
#pragma once

#include "test/model/actor.hpp"

namespace twincached::model {

// R11: the node's session has ended, whoever ended it.
void end_session(const Actor& actor);

// Both connect; what the peer still has of an older connection becomes stale. REQUIRES: the
// node is down.
void connect(const Actor& actor);

// The node comes back empty, as a new incarnation. REQUIRES: it is disconnected.
void restart(const Actor& actor);

// Rule R15: the log is folded, all else stays. REQUIRES: disconnected.
void remember(const Actor& actor, bool alone);

// A node that left a peer behind serves nobody until that one has confirmed its memory.
inline bool needs_peers_word(const Node& node) noexcept {
    return node.recalled && !node.was_alone;
}

// The node's connection is gone, and with it what was on its way to it.
void disconnect(const Actor& actor);

// R12: the peer's HELLO: the older session ends, the flush registers merge, the clock follows, and
// a peer of another incarnation makes everything dirty.
void apply_hello(const Actor& actor, const Frame& hello);

void apply_ready(const Actor& actor);

// R14: nothing up to `flush` is alive any more, and nothing of it need be remembered.
void flush_to(const Actor& actor, Version flush);

}  // namespace twincached::model
