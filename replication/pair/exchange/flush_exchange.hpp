// FLUSH and SCHED frames: tells the peer of flushes, and of one that is to come. Both are news of
// the whole store, so that they are told before the changes that follow them, once for however
// many there were, and again in a session that begins, for the one before may have lost them. (What
// the peer says of its own Incoming takes; what its HELLO says, begin() does.) Owned by the
// exchange, on the replication strand. Rule R14.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/exchange/exchange_context.hpp"
#include "replication/pair/exchange/standing.hpp"
#include "replication/records/clock_offset.hpp"
#include "storage/now.hpp"

namespace twincached::replication::pair {

class FlushExchange {
  public:
    explicit FlushExchange(ExchangeContext& context) noexcept : context_(context) {}

    // What both know from here on: the later flush, the later schedule. `offset` is of the peer's
    // clock, in which it says when.
    void begin(const Standing& peer, const ClockOffset& offset) noexcept;

    // Appends what the peer has not heard; at most one frame of each.
    void send(lib::ByteBuffer& out, const storage::Now& now);

  private:
    void send_flush(lib::ByteBuffer& out, const storage::Now& now);
    void send_schedule(lib::ByteBuffer& out, const storage::Now& now);

    ExchangeContext& context_;
};

}  // namespace twincached::replication::pair
