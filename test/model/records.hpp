// Rule R4: what a node does with the peer's records. And what it knows of a key, which decides.
#pragma once

#include "test/model/actor.hpp"

namespace twincached::model {

enum class Memory : std::uint8_t { free, full };

// Whatever has been seen is in the past from now on.
void observe(const Actor& actor, unsigned time) noexcept;

// The newest version of the key that this node knows of: the item's, those of un-acknowledged
// changes, the flush register, and for an absent key all that M stands for.
Version known(const Actor& actor, unsigned key) noexcept;

void apply_item(const Actor& actor, unsigned key, Version version, Memory memory);
void apply_delete(const Actor& actor, unsigned key, Version version);
// True if the write that was touched is lacking here and the whole item is wanted.
bool apply_touch(const Actor& actor, unsigned key, Version version, Memory memory);

// For the checker: this node has heard of the version, whatever it made of it.
void hear(Node& node, unsigned key, Version version) noexcept;

}  // namespace twincached::model
