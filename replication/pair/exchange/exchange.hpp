// The data half of the pair replicator: what one session with the peer carries. It turns the
// sink's log and dirty buckets into frames, applies the peer's frames to the store and acknowledges
// them. The link (connections, handshake, heartbeats, roles) is not its business.
//
//        store, sink                         one session                       the peer's
//       .------------.   R3   .------------.  BATCH, SEG                  .------------.
//       | change log |------->| LogSender  |--------------------------->  |  Incoming  |
//       |            |        '------------'                              |   R4, R9   |
//       | buckets    |------->| WalkSender |--- LIST, DIGEST ---------->  |            |
//       |            | R8,R16 '------------'                              '------------'
//       |            |<-------|  Answers   |<-- ACK with what is wanted ------' R13
//       |            | R10    '------------'
//       | flushes    |------->|FlushExchange|-- FLUSH, SCHED ---------->  Incoming  R14
//       | hints      |<------>|HintExchange|<-- HINT ----------------->   the same
//       | digests    |<------>|   Scrub    |<-- SCRUB ... ------------->   the same
//       '------------'        '------------'
//
// Both nodes do all of it, at once. What the two know of each other from session to session is the
// Acquaintance's. R1, R2 and R5 to R7 are kept where changes enter: replication/changes.
//
// Sans-I/O: bytes go out through produce(), frames come in through on_frame(). Owned by the
// engine; one thread at a time (the replication strand), which must hold no shard's lock. Only
// stats() and traffic() may be called from elsewhere.
//
//     standing() -> peer; the peer's -> begin(); READY both ways;
//     { on_frame()* produce()* }*; end()            and again, as often as the link comes and goes
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/exchange/acquaintance.hpp"
#include "replication/pair/exchange/answers.hpp"
#include "replication/pair/exchange/exchange_context.hpp"
#include "replication/pair/exchange/flush_exchange.hpp"
#include "replication/pair/exchange/hint_exchange.hpp"
#include "replication/pair/exchange/incoming.hpp"
#include "replication/pair/exchange/log_sender.hpp"
#include "replication/pair/exchange/scrub.hpp"
#include "replication/pair/exchange/standing.hpp"
#include "replication/pair/exchange/starting_over.hpp"
#include "replication/pair/exchange/walk.hpp"
#include "replication/records/frame.hpp"
#include "storage/now.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

class Exchange {
  public:
    Exchange(ChangeSink& sink, const ExchangeOptions& options);

    // Before anything else; the store must have been built with the same sink.
    void attach(storage::Store& store) noexcept { context_.store = &store; }

    // What this side knows, to be sent as HELLO. REQUIRES: no session.
    Standing standing(const storage::Now& now) const noexcept;

    // A session starts: rule R12 on the peer's HELLO. Send READY when it returns, and call
    // nothing else until the peer's READY is there. If a session is open, it ends first.
    // REQUIRES: acquaintance().judge(peer) == Meeting::begin.
    void begin(const Standing& peer, const storage::Now& now) noexcept;

    // The session is over, for whatever reason (rule R11). Harmless without a session.
    void end() noexcept;
    bool in_session() const noexcept { return in_session_; }

    // One frame of the peer. False: it breaks the protocol and the session must be dropped.
    // REQUIRES: a session; the frame's owner is the exchange.
    [[nodiscard]] bool on_frame(const Frame& frame, const storage::Now& now);

    // All that is here is told anew, by digests where that pays, while the session goes on; the
    // peer is to do the same. Harmless without a session.
    void compare_all() noexcept;

    // A frame of this session told of a version that cannot be, and was not followed.
    bool refused_version() const noexcept { return context_.version_refused; }

    // Appends frames that are ready, about `budget_bytes` of them (one frame of up to 300 KiB more
    // may be begun within it): acknowledgements first, then flushes, the log, walks, hints. Returns
    // the number of bytes; 0 = there is nothing to send, or the peer must acknowledge first. What
    // was appended must reach the peer in this order, on this session, or not at all. Call it after
    // each burst of on_frame(), when wants_to_send(), and at least every `tick` in a session.
    std::size_t produce(lib::ByteBuffer& out, std::size_t budget_bytes, const storage::Now& now);
    static constexpr std::chrono::milliseconds tick = exchange_tick;

    // Any thread.
    Traffic traffic() const noexcept { return context_.traffic(); }

    // For what one node tells the other beside the stream of changes: rules A1 and A3. REQUIRES: a
    // session.
    Incoming& incoming() noexcept { return incoming_; }
    // Something else may follow what was appended so far: no value is half sent, no flush waits,
    // and no change either that was logged before the last produce().
    bool is_between_changes() const noexcept {
        return !log_.is_sending_large() && !context_.sink.has_news() && !context_.window.is_full();
    }

    // Cheap, no lock. False after produce() returned 0, until something changes.
    bool wants_to_send() const noexcept;

    // Before the strand rests: asks the sink to call its wake function at the next change.
    // False: there is something to send already, and nothing was asked.
    bool may_rest() noexcept;

    // Each ACK measures the lag; while none comes somebody else has to, now and then.
    void measure_lag(const storage::Now& now) noexcept;

    // "Less than a batch in the log": what is normal under load when the link keeps up.
    static constexpr std::uint64_t entries_in_passing = 1023;
    // This side has told the peer everything: no bucket dirty or under way, no more than so many
    // changes of the log unsent, and the peer's answers to our lists are with it. What STATE says.
    bool caught_up(std::uint64_t unsent) const noexcept;
    // Everything sent and acknowledged: what a drain waits for.
    bool drained() const noexcept;

    // --- warm restart: rule R15 ------------------------------------------------------------
    // Ends the session and folds the log; nothing may be done with it afterwards. `alone`: there
    // was no session when the node was told to stop.
    std::string remember(bool alone);
    // After attach(), before anything else. False: damaged, or of another kind of node.
    bool recall(std::string_view remembered, const storage::Now& now);
    // Its judge() is to be asked before begin(): do the two agree on what they have done together?
    const Acquaintance& acquaintance() const noexcept { return acquaintance_; }
    // Without a session: whose items are those that come back, and which of the two is this node?
    Acquaintance& acquaintance() noexcept { return acquaintance_; }
    // Drops every item and goes on as another incarnation. REQUIRES: no session.
    void forget(std::uint64_t new_epoch, const storage::Now& now) noexcept;
    // Goes on as another incarnation with the items that it has, by versions as they would be but
    // for a wrong clock. REQUIRES: no session.
    void correct_versions(std::uint64_t new_epoch, const storage::Now& now) noexcept;
    // There are buckets that the peer must be told of.
    std::uint64_t dirty_buckets() const noexcept { return context_.sum(&ShardTracking::dirty); }
    // The peer may have refused what it acknowledges: no answer may wait for it.
    void distrust_peer() noexcept;
    // As of the last produce().
    std::uint64_t lag_ms() const noexcept { return lag_ms_.load(std::memory_order_relaxed); }
    // Since the start; see ExchangeStats.
    std::uint64_t scrub_defects() const noexcept {
        return context_.counters.get(ExchangeCounter::scrub_defects);
    }

    // Any thread.
    ExchangeStats stats() const noexcept;

  private:
    void send_changes(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now);

    ExchangeContext context_;
    Acquaintance acquaintance_;
    LogSender log_;
    WalkSender walk_;
    Answers answers_;
    Incoming incoming_;
    Scrub scrub_;
    FlushExchange flushes_;
    HintExchange hints_;
    bool in_session_ = false;
    std::atomic<std::uint64_t> lag_ms_{0};
};

}  // namespace twincached::replication::pair
