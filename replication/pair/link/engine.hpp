// The pair replicator without its sockets: connections by number, bytes, events and the time in;
// what is to be done out. It owns those that each decide one thing, tells them what happens, in an
// order that is always the same, and collects what they want done:
//
//      driver: sockets, clock, thread
//         | events ^ actions
//       Engine -- LinkMachine    is there a session, who is primary, may clients be served?
//         |---- Connections      who is at the other end, and which connection becomes the session?
//         |---- SessionKeeper    begins the session, ends it, lets the others hear of it
//         |       '-- PeerSession   is the peer alive, and in step? heartbeats, STATE, goodbyes
//         |---- LegacyService    is it a repcached, and what do the two tell each other?
//         |---- Incarnation      who is this node, and may it still hold what it held?
//         |---- OperatorOrders   what was this node, or the other, told to do?
//         |---- Arbitration      which of the two decides for both?
//         '---- Exchange         what each node has, and the other has not  ---- store, sink
//
// Sans-I/O: after every event call drain() and do what it says, in order. Owned by the driver; the
// replication thread alone calls it (a simulation: any one thread). REPLICATION.md, sections 8, 9.
//
// Whatever is not noexcept may throw std::bad_alloc, and may have done a part of what it was to do:
// the driver then closes all connections, calls on_no_memory(), and goes on as after any event.
#pragma once

#include "lib/byte_buffer.hpp"
#include "lib/time/rate_limit.hpp"
#include "replication/pair/arbitration/arbitration.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/pair/line_limits.hpp"
#include "replication/pair/link/connection.hpp"
#include "replication/pair/link/connections.hpp"
#include "replication/pair/link/engine_options.hpp"
#include "replication/pair/link/incarnation.hpp"
#include "replication/pair/link/legacy_service.hpp"
#include "replication/pair/link/link_machine.hpp"
#include "replication/pair/link/operator_orders.hpp"
#include "replication/pair/link/session_keeper.hpp"
#include "replication/pair/link_log.hpp"
#include "replication/pair/node_identity.hpp"
#include "replication/pair/resync_progress.hpp"
#include "replication/pair/strangers.hpp"
#include "replication/pair/timing.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
    std::uint64_t no_memory = 0;  // times that the link was given up for that
    std::string last_refusal;
    std::string last_event;
    std::string peer_software;
    Access access = Access::open;
    unsigned protocol = 0;  // of the session; 0: there is none
    ResyncProgress progress;
    storage::Arbitration arbitration = storage::Arbitration::off;  // that holds
    bool decides = false;                                          // this node, for both
    Instant arbitration_since{0};                                  // when both became so
    std::uint64_t executed = 0;                                    // for the peer's clients
    std::uint64_t unknown = 0;                                     // of what this node's have asked
    OrderFacts order_facts;
    LegacyReport legacy;
    Instant made_at{0};  // 0: the link was never started
    LinkSinces since;
    std::optional<Instant> last_contact;  // when the peer was last heard in a session; none: never
    std::optional<NodeState> peer_state;  // what it last said of itself; none: no session
};

// Why a dial failed, and what it tells of the peer.
struct DialFailure {
    std::string_view why;
    bool nobody_there = false;  // the peer's host answered: no peer runs on it
};

class Engine {
  public:
    static constexpr std::size_t output_limit_bytes = SessionKeeper::output_limit_bytes;
    // What is begun below that limit is finished: one frame, and the acknowledgements before it.
    static constexpr std::size_t output_bound_bytes =
        output_limit_bytes + frame_payload_limit + (256U << 10);

    Engine(EngineOptions options, ChangeSink& sink);

    // Before `start`. The store must have been built with the same sink.
    void attach(storage::Store& store) noexcept;

    // Warm restart (rule R15): after the last event; and after attach(), before `start`.
    std::string remember();
    bool recall(std::string_view remembered, const storage::Now& now);
    // The same for what a node without any peer has kept.
    void adopt() noexcept { exchange_.acquaintance().adopt(); }

    void start(const storage::Now& now) noexcept;
    // `from`: whoever called, as a line of log names him; `is_from_peer`: from its address.
    void on_accepted(ConnectionId id, const storage::Now& now, std::string_view from = {},
                     bool is_from_peer = false);
    void on_connected(ConnectionId id, const storage::Now& now);
    void on_connect_failed(const DialFailure& failure, const storage::Now& now);
    void on_bytes(ConnectionId id, std::string_view bytes, const storage::Now& now);
    void on_sent(ConnectionId id, std::size_t count, const storage::Now& now) noexcept;
    // Whether more of that connection's bytes are to be read now. After drain(), and again at the
    // next; a driver that reads all the same is no danger, but does work that nobody thanks it for.
    bool listens(ConnectionId id, const storage::Now& now) noexcept;
    // By the peer or by the network; also of a connection that was asked to be closed.
    void on_closed(ConnectionId id, std::string_view why, const storage::Now& now);
    // What came in, or what TLS says of it, shows that the two cannot be paired as they are set up.
    void on_mismatch(ConnectionId id, std::string_view why, const storage::Now& now);
    // The peer's end was closed in order. A peer that lives says a word before.
    void on_end_of_stream(ConnectionId id, std::string_view why, const storage::Now& now);
    void on_timer(const storage::Now& now);
    // The sink's wake function was called, or a driver merely wants drain() to have something.
    void on_wake(const storage::Now& now) noexcept;
    // Something was begun for which there was no memory. All connections are gone, each without a
    // word, and with them a session: nothing that it did by halves is taken for whole (rule R11).
    // Needs no memory itself; actions that were drained before stay to be done, but for those that
    // concern connections.
    void on_no_memory(const storage::Now& now) noexcept;
    // Sends what is to be sent, says goodbye; ends with Action::drained.
    void begin_drain(const storage::Now& now);
    void set_on_split(OnSplit policy, const storage::Now& now) noexcept;
    void set_arbitration(storage::Arbitration mode) noexcept { arbitration_.set_mode(mode); }
    // Clients, of this node or the other, wait for what the link carries.
    bool arbitrates() const noexcept {
        return arbitration_.in_force() != storage::Arbitration::off;
    }
    void set_legacy(LegacyOptions options, const storage::Now& now);
    // What an operator tells this node; what makes no sense any more is a line in the log.
    void take(Order order, const storage::Now& now);
    // For handshakes that begin from now on. REQUIRES: there was a secret, and is one.
    void use_secrets(std::string current, std::string old) noexcept {
        incarnation_.use_secrets(std::move(current), std::move(old));
    }
    // Which of the two this node is: undecided until an address or the peer tells. Until then it
    // can be called, and calls nobody.
    unsigned node() const noexcept { return options_.self.node; }
    void decide_node(unsigned node, std::string_view why) { incarnation_.decide_node(node, why); }
    // Somebody was turned away before he said a word; a line, unless that is known.
    void on_turned_away(std::string_view why, const storage::Now& now,
                        std::string_view from = {}) noexcept {
        strangers_.note(why, instant_of(now), from);
    }

    // Moves what is to be done to the end of `actions`.
    void drain(const storage::Now& now, std::vector<Action>& actions);
    // What drain() found out of the role; given once.
    std::optional<RoleChange> take_role_change() noexcept {
        return std::exchange(role_change_, std::nullopt);
    }
    // When on_timer() is to be called at the latest, if nothing else happens; after drain().
    std::optional<Instant> deadline(const storage::Now& now) const noexcept;

    const LinkMachine& link() const noexcept { return link_; }
    bool has_session() const noexcept { return keeper_.session() != nullptr; }
    // 0: there is none.
    std::uint64_t session_number() const noexcept { return keeper_.session_number(); }
    // For its stats() and traffic(), from any thread.
    const Exchange& exchange() const noexcept { return exchange_; }
    LinkReport report(const storage::Now& now) const;

  private:
    void close(ConnectionId id, const SessionEnd& end, const storage::Now& now);
    void note_progress(const storage::Now& now) noexcept;
    void collect_orders(std::vector<Action>& actions, Instant now);
    void note_turn(std::optional<RoleTurn> turn, Instant now) noexcept;

    // A node that shuts down sends what the peer lacks, for as long as it may, and says goodbye.
    struct Draining {
        Instant until{0};
        bool alone = false;  // no peer was there when it began
        bool told = false;   // Action::drained
    };

    EngineOptions
        options_;          // unchanged after attach(), but for `self`, which the incarnation keeps
    AckGate* const gate_;  // the sink's
    LinkLog log_;
    Exchange exchange_;
    Arbitration arbitration_;
    storage::Store* store_ = nullptr;
    LinkMachine link_;
    Incarnation incarnation_;
    SessionKeeper keeper_;
    OperatorOrders orders_;
    Strangers strangers_;
    Connections connections_;
    LegacyService legacy_;
    std::uint64_t no_memory_ = 0;
    std::uint64_t no_memory_told_ = 0;
    LineLimits line_limits_;
    // A role may be handed over and back as often as the peer likes, and each time is written down.
    static constexpr std::uint64_t turns_at_once = 20;
    lib::RateLimit turn_limit_{turns_at_once, LineLimits::line_pause};
    std::optional<RoleTurn> untold_turn_;  // the last
    std::optional<RoleChange> role_change_;
    ResyncProgress progress_;
    bool dialling_ = false;  // the driver was told to, and has not answered
    std::optional<Draining> draining_;
};

}  // namespace twincached::replication::pair
