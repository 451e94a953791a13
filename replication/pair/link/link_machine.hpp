// The state of the peer link: whether there is a session, who is primary, whether the node may
// serve clients. It decides and remembers; it sends nothing, holds no connection and reads no
// clock. Owned by the Engine; the replication thread alone calls it.
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

#include "lib/random.hpp"
#include "replication/pair/link/reasons_told.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/pair/timing.hpp"
#include "replication/replicator.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

enum class Serving : std::uint8_t { cold, ready };
enum class Role : std::uint8_t { primary, secondary };

enum class LinkEvent : std::uint8_t {
    start,
    timer,            // a deadline may have passed
    connected,        // our dial reached somebody
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
std::string_view name_of(Serving serving) noexcept;
std::string_view name_of(Role role) noexcept;
std::string_view name_of(Access access) noexcept;

struct LogLine {
    LogLevel level = LogLevel::info;
    std::string text;
};

class LinkMachine {
  public:
    // `dials` is false for a node that has no peer to dial: it serves at once.
    LinkMachine(const Timing& timing, bool dials, std::uint64_t seed,
                OnSplit on_split = OnSplit::both_serve) noexcept;

    // `why` names the reason of what happened, for the log.
    void on(LinkEvent event, Instant now, std::string_view why = {}) noexcept;

    // The role that the handshake agreed on; to be told before `established`.
    void agree_on(Role role) noexcept { agreed_role_ = role; }

    // A node that the old policy keeps from serving serves.
    void set_on_split(OnSplit policy) noexcept;

    // When `timer` is next to be told; none if nothing is due.
    std::optional<Instant> deadline() const noexcept;

    // What the owner is to do; each answer is given once.
    bool take_dial() noexcept { return std::exchange(wants_dial_, false); }
    bool take_hang_up() noexcept { return std::exchange(wants_hang_up_, false); }
    bool take_ready() noexcept { return std::exchange(wants_ready_, false); }
    std::optional<Access> take_access() noexcept {
        return std::exchange(told_access_, access_) == access_ ? std::nullopt
                                                               : std::optional(access_);
    }
    std::vector<LogLine> take_log() noexcept { return std::exchange(log_, {}); }

    LinkState state() const noexcept { return state_; }
    Serving serving() const noexcept { return serving_; }
    Role role() const noexcept { return role_; }
    Access access() const noexcept { return access_; }
    bool has_session() const noexcept;
    // How long the node has been serving; none while it is COLD.
    std::optional<Instant> ready_since() const noexcept { return ready_since_; }
    std::uint64_t promotions() const noexcept { return promotions_; }
    std::uint64_t sessions() const noexcept { return sessions_; }
    std::uint64_t refusals() const noexcept { return refusals_; }
    const std::string& last_refusal() const noexcept { return last_refusal_; }
    const std::string& last_event() const noexcept { return last_event_; }

  private:
    void start(Instant now) noexcept;
    void on_timer(Instant now) noexcept;
    void on_connected(std::string_view why) noexcept;
    void on_called(std::string_view why) noexcept;
    void on_dial_failed(Instant now, std::string_view why) noexcept;
    void on_handshakes_over(std::string_view why) noexcept;
    void on_refused(LinkEvent how, Instant now, std::string_view why) noexcept;
    void on_established(Instant now, std::string_view why) noexcept;
    void on_caught_up(Instant now) noexcept;
    void on_fell_behind(std::string_view why) noexcept;
    void on_session_end(LinkEvent how, Instant now, std::string_view why) noexcept;
    void on_nobody_there() noexcept;
    bool steps_back() const noexcept;
    void end_doubt(std::string_view why) noexcept;
    void on_shutdown(std::string_view why) noexcept;

    void enter(LinkState state, std::string_view why, LogLevel level = LogLevel::info) noexcept;
    void dial(Instant now) noexcept;
    void redial_after(Instant now, Timing::ms pause) noexcept;
    void serve(Instant now, std::string_view why) noexcept;
    void promote(std::string_view why) noexcept;
    void restrict_clients(std::string_view why) noexcept;
    void admit_clients(std::string_view why) noexcept;
    LogLevel chatter() const noexcept;
    void log(LogLevel level, std::string text) noexcept;
    bool is_dialling() const noexcept;

    const Timing timing_;
    const bool dials_;
    lib::Random random_;

    LinkState state_ = LinkState::listening;
    Serving serving_ = Serving::cold;
    Role role_ = Role::secondary;
    Role agreed_role_ = Role::secondary;
    OnSplit on_split_;
    Access access_ = Access::open;
    Access told_access_ = Access::open;
    bool in_doubt_ = false;   // whether to restrict clients: the peer has vanished
    bool caught_up_ = false;  // as last told; only meaningful in a session

    // While there is no session and the node dials at all, one of these holds: a dial is under way
    // that has not connected (dial_deadline_), one has connected and is in its handshake
    // (dial_connected_), or the next one is due (redial_at_).
    std::optional<Instant> dial_deadline_;
    std::optional<Instant> redial_at_;
    bool dial_connected_ = false;
    Timing::ms backoff_;
    Instant established_at_{0};  // the latest session
    Timing::ms brief_backoff_;   // after a session that ends before it has settled

    std::optional<Instant> grace_at_;   // COLD without a session: serve alone
    std::optional<Instant> serve_at_;   // COLD whatever happens: serve
    std::optional<Instant> relink_at_;  // in a session: LINKED not before
    std::optional<Instant> ready_since_;

    bool wants_dial_ = false;
    bool wants_hang_up_ = false;
    bool wants_ready_ = false;
    std::vector<LogLine> log_;

    std::uint64_t promotions_ = 0;
    std::uint64_t sessions_ = 0;
    std::uint64_t refusals_ = 0;
    std::string last_refusal_;
    // Since the last session: while dial after dial fails, each reason is told once.
    ReasonsTold told_failures_;
    ReasonsTold told_refusals_;
    bool fails_ = false;  // the last dial did
    std::string last_event_;
};

}  // namespace twincached::replication::pair
