// The data half of the pair replicator: what one session with the peer carries. It turns the
// sink's log and dirty buckets into frames, applies the peer's frames to the store, acknowledges
// them, and remembers from session to session what the peer has and has not heard. Rules R1 to
// R14 of REPLICATION.md; the link (connections, handshake, heartbeats, roles) is not its business.
//
// Sans-I/O: bytes go out through produce(), frames come in through on_frame(). Owned by the
// engine; one thread at a time (the replication strand), which must hold no shard's lock. Only
// stats() may be called from elsewhere.
//
//     standing() -> peer; the peer's -> begin(); READY both ways;
//     { on_frame()* produce()* }*; end()            and again, as often as the link comes and goes
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/exchange/exchange_stats.hpp"
#include "replication/pair/exchange/standing.hpp"
#include "replication/records/frame.hpp"
#include "storage/now.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace twincached::storage {
class Store;
}

namespace twincached::replication {
class ChangeSink;
}

namespace twincached::replication::pair {

struct ExchangeOptions {
    std::uint64_t epoch = 0;            // this incarnation: random, not 0
    unsigned node = 0;                  // 0 = a, 1 = b
    std::uint64_t sync_rate_bytes = 0;  // per second, of a resync; 0 = no limit
    // So many dirty buckets in a row are compared by digests first; 0 = never.
    std::size_t digest_run = 64;
    // In which all buckets are compared with the peer's once; 0 = never.
    std::uint64_t scrub_interval_ms = 0;
};

// What a HELLO is answered with.
enum class Meeting : std::uint8_t {
    begin,        // a session
    begin_anew,   // this node is not what the peer counts on: forget(), then say HELLO again
    let_go_anew,  // the peer is not what this node counts on; it finds out by our HELLO
};

// What has crossed the link so far.
struct Traffic {
    std::uint64_t records = 0;  // sent
    std::uint64_t bytes = 0;    // sent and received
};

class Exchange {
  public:
    Exchange(ChangeSink& sink, const ExchangeOptions& options);
    ~Exchange();

    // Before anything else; the store must have been built with the same sink.
    void attach(storage::Store& store) noexcept;

    // What this side knows, to be sent as HELLO. REQUIRES: no session.
    Standing standing(const storage::Now& now) const noexcept;

    // A session starts: rule R12 on the peer's HELLO. Send READY when it returns, and call
    // nothing else until the peer's READY is there. If a session is open, it ends first.
    // REQUIRES: judge(peer) == Meeting::begin.
    void begin(const Standing& peer, const storage::Now& now) noexcept;

    // The session is over, for whatever reason (rule R11). Harmless without a session.
    void end(const storage::Now& now) noexcept;
    bool in_session() const noexcept;

    // Whether a frame's type is the exchange's: BATCH to SCRUB_LIST and ACK.
    static bool takes(FrameType type) noexcept;

    // One frame of the peer. False: it breaks the protocol and the session must be dropped.
    // REQUIRES: a session, takes(frame.type).
    [[nodiscard]] bool on_frame(const Frame& frame, const storage::Now& now) noexcept;

    // Appends frames that are ready, about `budget_bytes` of them (one frame of up to 300 KiB more
    // may be begun within it): acknowledgements first, then flushes, the log, walks, hints. Returns
    // the number of bytes; 0 = there is nothing to send, or the peer must acknowledge first. What
    // was appended must reach the peer in this order, on this session, or not at all. Call it after
    // each burst of on_frame(), when wants_to_send(), and at least every `tick` in a session.
    std::size_t produce(lib::ByteBuffer& out, std::size_t budget_bytes,
                        const storage::Now& now) noexcept;
    static constexpr std::chrono::milliseconds tick{20};

    Traffic traffic() const noexcept;

    // Cheap, no lock. False after produce() returned 0, until something changes.
    bool wants_to_send() const noexcept;

    // Before the strand rests: asks the sink to call its wake function at the next change.
    // False: there is something to send already, and nothing was asked.
    bool may_rest() noexcept;

    // Each ACK measures the lag; while none comes somebody else has to, now and then.
    void measure_lag(const storage::Now& now) noexcept;

    // This side has told the peer everything: no bucket dirty or under way, less than a batch in
    // the log, and the peer's answers to our lists are with it. What STATE says.
    bool caught_up() const noexcept;
    // Everything sent and acknowledged: what a drain waits for.
    bool drained() const noexcept;

    // --- warm restart: rule R15 ------------------------------------------------------------
    // Ends the session and folds the log; nothing may be done with it afterwards. `alone`: there
    // was no session when the node was told to stop.
    std::string remember(bool alone);
    // After attach(), before anything else. False: damaged, or of another kind of node.
    bool recall(std::string_view remembered);
    // Have items come back that no peer has confirmed yet?
    bool has_unconfirmed_memory() const noexcept;
    // As a machine that was set back to a snapshot does: it does not know that it ever stopped. For
    // tests, which have no other way to set a node back.
    void believe_memory() noexcept;
    // The same, of a node that left a peer behind: it must not serve them without that one's word.
    bool needs_peers_word() const noexcept;
    // Do the two agree on what they have done together? To be asked before begin().
    Meeting judge(const Standing& peer) const noexcept;
    // Drops every item and goes on as another incarnation. REQUIRES: no session.
    void forget(std::uint64_t new_epoch, const storage::Now& now) noexcept;
    std::uint64_t epoch() const noexcept;
    // There are buckets that the peer must be told of.
    bool is_dirty() const noexcept;
    // The peer may have refused what it acknowledges: no answer may wait for it.
    void distrust_peer() noexcept;
    // As of the last produce().
    std::uint64_t lag_ms() const noexcept;
    // Since the start; see ExchangeStats.
    std::uint64_t scrub_defects() const noexcept;

    // Any thread.
    ExchangeStats stats() const noexcept;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace twincached::replication::pair
