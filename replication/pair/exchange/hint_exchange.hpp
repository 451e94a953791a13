// HINT frames: tells the peer which items are in use here, and counts for eviction what is in use
// there. Hints, which may be lost: they wake nobody, wait for whatever else there is to say, and go
// only to a peer that understands them. Owned by the exchange, on the replication strand.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/changes/hints.hpp"
#include "replication/pair/exchange/exchange_context.hpp"
#include "replication/pair/exchange/standing.hpp"
#include "replication/records/frame.hpp"
#include "storage/now.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace twincached::replication::pair {

class HintExchange {
  public:
    explicit HintExchange(ExchangeContext& context) noexcept : context_(context) {}

    void begin(const Standing& peer) noexcept;
    void end() noexcept;

    // Appends what has gathered, at most once per tick, as far as it fits before `end_size`.
    void send(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now);
    // False: the frame makes no sense.
    [[nodiscard]] bool receive(const Frame& frame, const storage::Now& now) noexcept;

  private:
    ExchangeContext& context_;
    // Of the node's own clock; the end of time while no peer understands hints.
    std::uint64_t due_ms_ = 0;
    unsigned next_shard_ = 0;
    std::array<std::uint64_t, Hints::limit> hashes_;
};

}  // namespace twincached::replication::pair
