// The pair replicator without its sockets: connections by number, bytes, events and the time in;
// what is to be done out. It owns the four that each decide one thing, and lets them hear of each
// other:
//
//      driver: sockets, clock, thread
//         | events ^ actions
//       Engine -- LinkMachine    is there a session, who is primary, may clients be served?
//         |---- Connections      who is at the other end, and which connection becomes the session?
//         |---- PeerSession          is the peer alive, and in step? heartbeats, STATE, goodbyes
//         '---- Exchange         what each node has, and the other has not  ---- store, sink
//
// A session begins when READY was said both ways: Connections says on which connection, the engine
// begins it. It ends for whatever reason in end_session(), and nowhere else (rule R11).
//
// Sans-I/O: after every event call drain() and do what it says, in order. Owned by the driver; the
// replication thread alone calls it (a simulation: any one thread). REPLICATION.md, sections 8, 9.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/pair/link/connection.hpp"
#include "replication/pair/link/connections.hpp"
#include "replication/pair/link/handshake.hpp"
#include "replication/pair/link/link_machine.hpp"
#include "replication/pair/link/peer_session.hpp"
#include "replication/pair/node_identity.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/pair/timing.hpp"
#include "replication/replication_options.hpp"
#include "storage/store_options.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::pair {

struct Action {
    enum class Kind : std::uint8_t {
        dial,     // the peer; answer with on_connected or on_connect_failed
        hang_up,  // give up the dial that is under way; needs no answer
        send,     // `bytes` on `connection`, after what was sent before; answer with on_sent
        close,    // `connection`; needs no answer
        reset,    // the same, and the other end must hear of it even if it is not heard
        ready,    // the node may serve clients
        access,   // what clients may do from now on
        drained,  // the goodbye is said
        log,
    };
    Kind kind;
    ConnectionId connection = 0;
    lib::ByteBuffer bytes{};
    LogLine line{};
    Access access = Access::open;
};

// Defaults are those of the rows; the driver puts in what was chosen.
struct EngineOptions {
    Self self;
    PairOptions chosen = default_options();
    Timing timing = default_timing();
    bool has_peer = true;
    Entropy entropy{};  // random; decides nonces and jitter
    std::chrono::milliseconds drain_timeout = default_replication_options().drain_timeout;
    std::uint64_t item_size_limit_bytes = storage::default_store_options().item_size_limit_bytes;
    std::string software_version;
    std::string settings;  // see settings_to_compare
};

// For `stats replication`: the control half's share.
struct LinkReport {
    unsigned node = node_undecided;
    LinkState state = LinkState::listening;
    Serving serving = Serving::cold;
    Role role = Role::secondary;
    std::int64_t clock_offset_ms = 0;        // the peer's wall clock against this node's
    std::optional<std::int64_t> peer_clock;  // see Replicator; also of a peer that has gone
    std::int64_t versions_ahead_ms = 0;
    std::int64_t round_trip_ms = 0;
    std::uint64_t promotions = 0;
    std::uint64_t sessions = 0;
    std::uint64_t refused = 0;
    std::uint64_t strangers = 0;
    std::string last_refusal;
    std::string last_event;
    std::string peer_software;
    Access access = Access::open;
    unsigned protocol = 0;  // of the session; 0: there is none
};

class Engine final : private Connections::Host {
  public:
    // Of a session: nothing more is written while so much lies in buffers of ours on its way to the
    // peer, of whatever kind it is.
    static constexpr std::size_t output_limit_bytes = 256U << 10;
    // What is begun below that limit is finished: one frame, and the acknowledgements before it.
    static constexpr std::size_t output_bound_bytes =
        output_limit_bytes + frame_payload_limit + (256U << 10);

    Engine(EngineOptions options, ChangeSink& sink) noexcept;

    // Before `start`. The store must have been built with the same sink.
    void attach(storage::Store& store) noexcept;

    // Warm restart (rule R15): after the last event; and after attach(), before `start`.
    std::string remember();
    bool recall(std::string_view remembered, const storage::Now& now);
    // The same for what a node without any peer has kept.
    void adopt() noexcept { exchange_.adopt(); }

    void start(const storage::Now& now) noexcept;
    void on_accepted(ConnectionId id, const storage::Now& now) noexcept;
    void on_connected(ConnectionId id, const storage::Now& now) noexcept;
    void on_connect_failed(std::string_view why, const storage::Now& now) noexcept;
    // The same, and it is known that no peer runs on the peer's host.
    void on_connect_refused(std::string_view why, const storage::Now& now) noexcept;
    void on_bytes(ConnectionId id, std::string_view bytes, const storage::Now& now) noexcept;
    void on_sent(ConnectionId id, std::size_t count, const storage::Now& now) noexcept;
    // Whether more of that connection's bytes are to be read now. After drain(), and again at the
    // next; a driver that reads all the same is no danger, but does work that nobody thanks it for.
    bool listens(ConnectionId id, const storage::Now& now) noexcept;
    // By the peer or by the network; also of a connection that was asked to be closed.
    void on_closed(ConnectionId id, std::string_view why, const storage::Now& now) noexcept;
    // The peer's end was closed in order. A peer that lives says a word before.
    void on_end_of_stream(ConnectionId id, std::string_view why, const storage::Now& now) noexcept;
    void on_timer(const storage::Now& now) noexcept;
    // The sink's wake function was called, or a driver merely wants drain() to have something.
    void on_wake(const storage::Now& now) noexcept;
    // Sends what is to be sent, says goodbye; ends with Action::drained.
    void begin_drain(const storage::Now& now) noexcept;
    void set_on_split(OnSplit policy, const storage::Now& now) noexcept;
    // Which of the two this node is: undecided until an address or the peer tells. Until then it
    // can be called, and calls nobody.
    unsigned node() const noexcept { return options_.self.node; }
    void decide_node(unsigned node, std::string_view why) noexcept override;
    // Somebody was turned away before he said a word; a line, unless that is known.
    void on_turned_away(std::string_view why, const storage::Now& now) noexcept {
        connections_.note_stranger(why, instant_of(now));
    }

    // Moves what is to be done to the end of `actions`.
    void drain(const storage::Now& now, std::vector<Action>& actions) noexcept;
    // When on_timer is to be called at the latest, if nothing else happens; after drain().
    std::optional<Instant> deadline(const storage::Now& now) const noexcept;

    const LinkMachine& link() const noexcept { return link_; }
    bool has_session() const noexcept { return session_.has_value(); }
    std::uint64_t session_number() const noexcept override {
        return session_ ? session_->number() : 0;
    }
    ExchangeStats exchange_stats() const noexcept { return exchange_.stats(); }  // any thread
    Traffic traffic() const noexcept { return exchange_.traffic(); }
    LinkReport report(const storage::Now& now) const noexcept;

  private:
    // Connections::Host
    Hello own_hello(const storage::Now& now) const noexcept override;
    void lose_session(std::string_view why, const storage::Now& now) noexcept override;
    bool agrees_on_past(Connection& connection, const storage::Now& now) noexcept override;
    bool takes_up_peers_hash() noexcept override;
    void begin_exchange(const Connection& connection, const storage::Now& now) noexcept override;
    void end_exchange() noexcept override { exchange_.end(); }
    void establish(Connection& connection, const storage::Now& now) noexcept override;
    void on_clock_refused(const storage::Now& now) noexcept override;

    void on_malformed(Connection& connection, const storage::Now& now) noexcept;
    void on_frame(Connection& connection, const Frame& frame, const storage::Now& now) noexcept;
    void close(ConnectionId id, SessionEnd::Ending ending, std::string_view why,
               const storage::Now& now) noexcept;
    void wake_session(const storage::Now& now) noexcept;
    void begin_anew(std::string_view why, const storage::Now& now) noexcept;
    void compare_settings(const Hello& peer) noexcept;
    void flush_if_peer_crashed(const SessionEnd& end, const storage::Now& now) noexcept;
    void end_session(const SessionEnd& end, const storage::Now& now,
                     Parting parting = Parting::at_once) noexcept;

    void judge_session(const storage::Now& now) noexcept;
    void tend_gate(const storage::Now& now) noexcept;
    void tell_of_defects() noexcept;
    void say_goodbye_when_drained(const storage::Now& now) noexcept;
    void produce(const storage::Now& now) noexcept;
    void flush(std::vector<Action>& actions) noexcept;
    void flush_machine(std::vector<Action>& actions) noexcept;

    EngineOptions options_;  // unchanged after attach(), but for the epoch and the hash
    AckGate* const gate_;    // the sink's
    Exchange exchange_;
    storage::Store* store_ = nullptr;
    LinkMachine link_;
    Connections connections_;
    // While there is one, one connection is in Phase::session.
    std::optional<PeerSession> session_;
    bool dialling_ = false;
    bool hash_is_settled_ = false;  // what is known of buckets, or items, is by this hash
    bool draining_ = false;
    bool drained_alone_ = false;  // no peer was there when the drain began
    bool drained_ = false;
    bool said_drained_ = false;
    Instant drain_until_{0};
    std::string peer_software_;
    std::optional<std::int64_t> peer_clock_;
    std::uint64_t defects_told_ = 0;
    std::vector<LogLine> log_;
};

}  // namespace twincached::replication::pair
