// What this node is to its clients: whether it serves them yet, whether it is the one that a
// balancer should prefer, and what they may do while the other node is out of sight. None of it
// decides what becomes of data: versions do.
//
//     COLD --- synchronised, no peer for boot-grace, filling for sync-serve ---> READY, for good
//
//     session over             the node was        what it does (on-split)
//     said goodbye, died       secondary           promotes itself
//     silent, out of sight     secondary           both-serve: promotes itself; else it restricts
//     connection failed        secondary           calls the peer, then one of the two
//     any                      primary             goes on
//
// Owned by the LinkMachine, which knows when sessions come and go; the replication thread alone
// calls it. REPLICATION.md, section 9.
#pragma once

#include "replication/pair/link_log.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/pair/timing.hpp"
#include "replication/replicator.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::replication::pair {

enum class Serving : std::uint8_t { cold, ready };
enum class Role : std::uint8_t { primary, secondary };

std::string_view name_of(Serving serving) noexcept;
std::string_view name_of(Role role) noexcept;
std::string_view name_of(Access access) noexcept;

// What is known of the peer when a session is over.
enum class PeersFate : std::uint8_t {
    unknown,      // it may live on, out of sight
    to_be_asked,  // the connection failed: the next dial tells whether it died
    gone,         // its process ended, or it said goodbye
};

// A change of the role of a node that serves, or begins to.
struct RoleTurn {
    Role role = Role::primary;
    bool knew_primary = false;  // it had served beside it
    std::string why;
};

class ServingPolicy {
  public:
    // Both must outlive it.
    ServingPolicy(const Timing& timing, OnSplit on_split, LinkLog& log) noexcept;

    // A node that has a peer waits for it, for boot-grace.
    void start(Instant now) noexcept;
    // One that has none serves at once.
    // The other node has taken a call: it is waited for a while longer.
    void hold_grace(Instant now) noexcept {
        if (grace_at_) grace_at_ = now + timing_.silence;
    }
    void start_alone(Instant now) noexcept;
    // `refusal`: why the two nodes refuse each other; empty: they do not.
    void on_timer(Instant now, std::string_view refusal = {}) noexcept;

    // The role that the handshake agreed on; to be told before begin_session().
    void agree_on(Role role) noexcept { agreed_role_ = role; }
    void begin_session(Instant now) noexcept;
    // Both nodes have caught up.
    void on_linked(Instant now) noexcept;
    // True: the peer is to be called now, and end_doubt() or on_nobody_there() to be told what its
    // host says. Until then, at most for `silence`, clients go on.
    [[nodiscard]] bool end_session(PeersFate fate, Instant now, std::string_view why) noexcept;
    // Nothing tells that the peer's process has ended: it may live. That its host takes a call
    // decides nothing, the system does so for a process that it is about to end.
    void end_doubt(std::string_view why) noexcept;
    // The system of the peer's host answers for a process that does not run. REQUIRES: no session.
    void on_nobody_there() noexcept;
    // An operator's word, here or over there: the node is the primary from now on, and serves; or
    // it is no longer. It goes on serving either way.
    void take_over(Instant now, std::string_view why) noexcept;
    void step_back(std::string_view why) noexcept;
    // And it stays the primary when it meets a node that has served for longer.
    bool is_primary_by_order() const noexcept { return is_by_order_; }
    bool is_in_doubt() const noexcept { return doubt_until_.has_value(); }
    // A node that the old policy keeps from serving serves.
    void set_on_split(OnSplit policy, bool has_session) noexcept;
    // Nothing is due any more.
    void shut_down() noexcept;

    // When on_timer() has something to do at the latest.
    std::optional<Instant> deadline() const noexcept;

    // What the owner is to tell the clients' side; each answer is given once.
    bool take_ready() noexcept { return std::exchange(wants_ready_, false); }
    std::optional<Access> take_access() noexcept {
        return std::exchange(told_access_, access_) == access_ ? std::nullopt
                                                               : std::optional(access_);
    }

    std::optional<RoleTurn> take_turn() noexcept { return std::exchange(turn_, std::nullopt); }

    Serving serving() const noexcept { return serving_; }
    Role role() const noexcept { return role_; }
    Access access() const noexcept { return access_; }
    // None while it is COLD.
    std::optional<Instant> ready_since() const noexcept { return ready_since_; }
    std::uint64_t promotions() const noexcept { return promotions_; }

  private:
    bool steps_back() const noexcept;
    void serve(Instant now, std::string_view why, LogLevel level = LogLevel::info) noexcept;
    void serve_alone(Instant now, std::string_view refusal) noexcept;
    void promote(LogLevel level, std::string_view what, std::string_view why) noexcept;
    void turn(Role role, std::string_view why) noexcept;
    void restrict_clients(std::string_view why) noexcept;
    void admit_clients(std::string_view why) noexcept;

    const Timing& timing_;
    LinkLog& log_;
    OnSplit on_split_;

    Serving serving_ = Serving::cold;
    Role role_ = Role::secondary;
    Role agreed_role_ = Role::secondary;
    std::optional<RoleTurn> turn_;
    bool has_served_beside_ = false;  // a peer, since the start
    bool is_by_order_ = false;        // REQUIRES: primary
    Access access_ = Access::open;
    Access told_access_ = Access::open;
    std::optional<Instant> doubt_until_;  // whether to restrict clients: the peer has vanished

    std::optional<Instant> grace_at_;  // COLD without a session: serve alone
    std::optional<Instant> serve_at_;  // COLD whatever happens: serve
    std::optional<Instant> ready_since_;
    bool wants_ready_ = false;
    std::uint64_t promotions_ = 0;
};

}  // namespace twincached::replication::pair
