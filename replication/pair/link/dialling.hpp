// When to call the peer: the dial that is under way, the pause before the next, and what is said
// of those that fail. It opens no socket and knows neither sessions' content nor clients.
//
//           dial()                connected()              give_up(), then retry()
//     due ---------> under way ---------------> connected ------------------------> due
//      ^                 '------ nobody answers in time, or at all ------------------^
//
// The pause doubles with every failure, so that a peer that is gone costs next to nothing, and is
// short again after a session that lasted; one that ended at once may end the same way again.
// Owned by the LinkMachine; the replication thread alone calls it. REPLICATION.md, section 9.
#pragma once

#include "lib/random.hpp"
#include "replication/pair/reasons_told.hpp"
#include "replication/pair/timing.hpp"
#include "replication/replicator.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace twincached::replication::pair {

class Dialling {
  public:
    // `timing` must outlive it. `dials` is false for a node that has no peer: then none is ever
    // due, whatever is asked for. `seed` decides the jitter.
    Dialling(const Timing& timing, bool dials, std::uint64_t seed) noexcept;

    bool has_peer() const noexcept { return dials_; }
    void dial(Instant now) noexcept;
    bool is_due(Instant now) const noexcept { return redial_at_ && *redial_at_ <= now; }
    // The dial that is under way has had no answer for too long. It is not given up by that.
    bool is_too_late(Instant now) const noexcept { return deadline_ && *deadline_ <= now; }

    // One has been begun, and nobody has answered yet.
    bool is_calling() const noexcept { return deadline_.has_value(); }
    // The same, or it has connected and is in its handshake.
    bool is_under_way() const noexcept { return deadline_ || connected_; }
    // REQUIRES: is_calling().
    void connected() noexcept;
    // Nothing is under way any more. Whether it had connected.
    bool give_up() noexcept;
    // The owner of the socket is to give up, too.
    void hang_up() noexcept { wants_hang_up_ = true; }

    // The next one is due after the pause, and after that for longer.
    void retry(Instant now) noexcept;
    void retry_after(Instant now, Timing::ms pause) noexcept;
    void retry_at_once(Instant now) noexcept { redial_at_ = now; }
    // A dial failed for that reason. Whether that is news since the last session.
    bool note_failure(std::string_view why) noexcept;
    // While dial after dial fails, the way there and back is of interest to a debugger alone.
    LogLevel chatter() const noexcept { return fails_ ? LogLevel::debug : LogLevel::info; }

    // No dial is needed while there is a session.
    void begin_session(Instant now) noexcept;
    void end_session(Instant now) noexcept;
    void shut_down() noexcept;

    // When is_due() or is_too_late() turns true; none if neither will.
    std::optional<Instant> next() const noexcept;

    // What the owner of the socket is to do; each answer is given once.
    bool take_dial() noexcept { return std::exchange(wants_dial_, false); }
    bool take_hang_up() noexcept { return std::exchange(wants_hang_up_, false); }

  private:
    const Timing& timing_;
    const bool dials_;
    lib::Random random_;

    // While there is no session and the node dials at all, one of these holds: a dial is under way
    // that has not connected (deadline_), one has connected and is in its handshake (connected_),
    // or the next one is due (redial_at_).
    std::optional<Instant> deadline_;
    std::optional<Instant> redial_at_;
    bool connected_ = false;

    Timing::ms backoff_;
    Timing::ms brief_backoff_;     // after a session that ends before it has settled
    Instant session_began_at_{0};  // the latest
    bool wants_dial_ = false;
    bool wants_hang_up_ = false;

    ReasonsTold told_failures_;  // since the last session
    bool fails_ = false;         // the last dial did
};

}  // namespace twincached::replication::pair
