// Rules R1 to R3, R5 to R7b and R11's first half: what a node remembers of its own changes until
// the peer has acknowledged them.
#pragma once

#include "test/model/actor.hpp"

namespace twincached::model {

// R1: a local change of the key, or the peer's wish for it (`whole`). The item must already be
// what it is after the change.
void record(const Actor& actor, unsigned key, Version version, bool whole = false);

// R2: forgets the oldest entry; the bucket is dirty from now on.
void overflow(const Actor& actor);

// M = max(M, version): there is something about an absent key that the peer was not told.
void fold(const Actor& actor, Version version);

// R3: which entry is to be sent next; null if all are sent.
LogEntry* next_unsent(Node& node) noexcept;

// The newest version of the key that the log holds, 0 = none.
Version newest_logged(const Node& node, unsigned key) noexcept;

// R5, R6, R7 and R7b: the item goes, for want of memory or because its time is over.
void drop(const Actor& actor, unsigned key);

// An item whose time is over is dropped as soon as anything looks at it.
void drop_if_expired(const Actor& actor, unsigned key);

void remove_entry(Node& node, unsigned place) noexcept;

// R11: what was sent in the session that has ended counts as unsent.
void unsend_all(Node& node) noexcept;

}  // namespace twincached::model
