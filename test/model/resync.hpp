// Rules R8 to R10 and R16: a dirty bucket is walked by a LIST of what is there and of M, the peer
// drops what that makes doubtful, and its ACK names what it wants. A DIGEST may go before.
#pragma once

#include "test/model/actor.hpp"
#include "test/model/records.hpp"

namespace twincached::model {

// R8. REQUIRES: the bucket is dirty, no LIST of it is on its way, may_send.
void send_list(const Actor& actor);

// R16: the bucket's digest goes instead. REQUIRES: the same.
void send_digest(const Actor& actor);

// R16: does the peer hold the very same? The clock follows its M in any case.
bool is_equal(const Actor& actor, const Frame& digest);

// R16: the peer holds something else. What was a walk by digest is to be one by list.
void ask_for_list(const Actor& actor);

// R9: returns the wanted keys, a bit each.
std::uint8_t apply_list(const Actor& actor, const Frame& list, Memory memory);

// R10. `place` is where the acknowledgement came from: what is still in there counts from the
// frame before this acknowledgement, and has to count from this one.
void apply_ack(const Actor& actor, const Frame& ack, Channel& place);

// Records the wanted keys: R10's first half.
void record_wanted(const Actor& actor, std::uint8_t wants);

}  // namespace twincached::model
