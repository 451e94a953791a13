// The state of the peer link: whether there is a session, and what follows from its coming and
// going. It decides and remembers; it sends nothing, holds no connection and reads no clock. When
// to call the peer is its Dialling's to say, what clients may expect its ServingPolicy's. Owned by
// the Engine; the replication thread alone calls it.
//
//              dial due            connected, called          established
//   LISTENING ----------> CONNECTING ----------> HANDSHAKE --------------> SYNCING <-> LINKED
//       ^  ^                  |                   |     |                     |          |
//       |  '---- failed ------'<---- over --------'     '---> REFUSED         |          |
//       '-------------------------- lost, farewell ---------------------------'----------'
//
// Listening never ceases, and while there is no session a dial is always under way or due, also
// during the handshake of a connection that somebody else dialled: a stranger cannot stop it.
// Specification: REPLICATION.md, section 9.
#pragma once

#include "replication/pair/link/dialling.hpp"
#include "replication/pair/link/serving_policy.hpp"
#include "replication/pair/link_log.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/pair/reasons_told.hpp"
#include "replication/pair/since.hpp"
#include "replication/pair/timing.hpp"
#include "replication/replicator.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::pair {

enum class LinkState : std::uint8_t {
    listening,   // nobody there; a redial is due
    connecting,  // dialling
    handshake,   // a connection to the peer is there and proves itself
    syncing,     // a session, one of the nodes lacks something
    linked,      // a session, both nodes hold the same but for what is on its way
    draining,    // shutting down
    refused,     // the peer answers, but the two must not be paired; redialled at leisure
};

enum class LinkEvent : std::uint8_t {
    start,
    timer,            // a deadline may have passed
    connected,        // our dial reached somebody
    awaited,          // who has yet to say a word, and may be a while about it: an old node
    dial_failed,      // it did not; or what it reached went away without a refusal
    nobody_there,     // it reached the peer's host, on which no peer runs
    called,           // somebody dialled us and knows how to begin
    handshakes_over,  // no handshake is left
    refused,          // the handshake of our dial found a reason not to pair
    clock_refused,    // the same, and it is a clock, which may be set right at any moment
    established,      // a session begins
    caught_up,        // neither node lacks anything
    fell_behind,      // one of them does
    lost,             // the session ended; the peer may live on, out of sight
    vanished,         // the session's connection failed: the next dial tells whether the peer died
    died,             // the session ended with the peer's process
    farewell,         // the peer said goodbye and ended it
    shutdown,
};

std::string_view name_of(LinkState state) noexcept;

// What the owner is to do, in this order.
struct LinkOrders {
    std::vector<LogLine> lines;
    bool hang_up = false;  // the dial that is under way is not wanted any more
    bool dial = false;
    bool ready = false;            // the node may serve clients from now on
    std::optional<Access> access;  // what they may do, if that has changed
    std::optional<RoleTurn> turn;  // of the role, if it has changed
};

// Since when each of these is what it is.
struct LinkSinces {
    Since<LinkState> state{LinkState::listening};
    Since<Serving> serving{Serving::cold};
    Since<Role> role{Role::secondary};
    Since<Access> access{Access::open};

    void begin(Instant now) noexcept;
    void note(LinkState state_now, const ServingPolicy& policy, Instant now) noexcept;
};

class LinkMachine {
  public:
    // `seed` decides by how much redials are put off, so that two nodes do not stay in step.
    // `dials` is false for a node that has no peer to dial: it serves at once.
    LinkMachine(const Timing& timing, bool dials, std::uint64_t seed, OnSplit on_split) noexcept;

    // `why` names the reason of what happened, for the log; empty if the event says it all.
    void on(LinkEvent event, Instant now, std::string_view why) noexcept;

    // The role that the handshake agreed on; to be told before `established`.
    void agree_on(Role role) noexcept { serving_.agree_on(role); }

    // What operators decided, here or over there: see operator_orders.hpp. Harmless while the node
    // shuts down.
    void take_over(Instant now, std::string_view why) noexcept;
    void step_back(Instant now, std::string_view why) noexcept;
    bool is_primary_by_order() const noexcept { return serving_.is_primary_by_order(); }

    // A node that the old policy keeps from serving serves.
    void set_on_split(OnSplit policy, Instant now) noexcept {
        serving_.set_on_split(policy, has_session());
        since_.note(state_, serving_, now);
    }

    // When `timer` is next to be told; none if nothing is due.
    std::optional<Instant> deadline() const noexcept;

    // Each order is given once.
    LinkOrders take_orders() noexcept;
    // How many of them are lines.
    std::size_t lines_to_take() const noexcept { return log_.size(); }

    LinkState state() const noexcept { return state_; }
    Serving serving() const noexcept { return serving_.serving(); }
    Role role() const noexcept { return serving_.role(); }
    Access access() const noexcept { return serving_.access(); }
    bool has_session() const noexcept;
    // REQUIRES: LinkEvent::start was told.
    const LinkSinces& since() const noexcept { return since_; }
    // Since when the node has been serving; none while it is COLD.
    std::optional<Instant> ready_since() const noexcept { return serving_.ready_since(); }
    std::uint64_t promotions() const noexcept { return serving_.promotions(); }
    std::uint64_t sessions() const noexcept { return sessions_; }
    std::uint64_t refusals() const noexcept { return refusals_; }
    const std::string& last_refusal() const noexcept { return last_refusal_; }
    const std::string& last_event() const noexcept { return log_.last_event(); }

  private:
    void take(LinkEvent event, Instant now, std::string_view why) noexcept;
    void start(Instant now) noexcept;
    void on_timer(Instant now) noexcept;
    void on_connected(std::string_view why) noexcept;
    void on_called(std::string_view why) noexcept;
    void on_dial_failed(Instant now, std::string_view why) noexcept;
    void on_handshakes_over(std::string_view why) noexcept;
    void on_refused(LinkEvent how, Instant now, std::string_view why) noexcept;
    void on_established(Instant now, std::string_view why) noexcept;
    void on_caught_up(Instant now, std::string_view why) noexcept;
    void on_session_end(PeersFate fate, Instant now, std::string_view why) noexcept;
    void on_shutdown(std::string_view why) noexcept;

    void enter(LinkState state, std::string_view why, LogLevel level,
               std::string_view follows = {}) noexcept;
    void dial(Instant now) noexcept;

    const Timing timing_;
    LinkLog log_;
    Dialling dialling_;
    ServingPolicy serving_;

    LinkState state_ = LinkState::listening;
    LinkSinces since_;
    bool caught_up_ = false;            // as last told; only meaningful in a session
    std::optional<Instant> relink_at_;  // in a session: LINKED not before

    std::uint64_t sessions_ = 0;
    std::uint64_t refusals_ = 0;
    std::string last_refusal_;
    ReasonsTold told_refusals_;  // since the last session
};

}  // namespace twincached::replication::pair
