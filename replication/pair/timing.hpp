// Every period of the peer link's control half, in one place, with its reason. Plain values; those
// without one here are the operator's, and have their default in their row: start from
// default_timing() (pair_options.hpp).
#pragma once

#include "storage/now.hpp"

#include <chrono>
#include <initializer_list>
#include <optional>

namespace twincached::replication::pair {

// A reading of the node's own monotonic clock.
using Instant = std::chrono::milliseconds;

inline Instant instant_of(const storage::Now& now) noexcept {
    return Instant(now.steady_ms);
}

// Of several deadlines, any of which may be none.
inline std::optional<Instant> earliest(
    std::initializer_list<std::optional<Instant>> deadlines) noexcept {
    std::optional<Instant> first;
    for (const auto& at : deadlines) {
        if (at && (!first || *at < *first)) first = at;
    }
    return first;
}

struct Timing {
    using ms = std::chrono::milliseconds;

    ms heartbeat{};  // five chances to be heard before silence is judged
    ms silence{};
    ms boot_grace{};  // a node that has met nobody for so long serves alone
    ms sync_serve{};  // a node that is still filling after so long serves what it has

    // The shortest pause of this node after which the peer may have taken over: it waits for
    // `silence` from the last heartbeat on that it heard, and that one was sent a beat before the
    // pause began, or a little more if the thread was late.
    constexpr ms patience_of_peer() const noexcept { return silence - heartbeat - heartbeat / 2; }

    ms connect{500};          // a dial that hangs must not cost the one second of pairing
    ms handshake{2000};       // a stranger that says nothing holds a connection no longer
    ms redial_first{100};     // doubled after every failure,
    ms redial_last{1000};     // up to here, so that a healed network is noticed within a second
    ms redial_refused{5000};  // a misconfigured peer stays so for a while
    ms settled{5000};         // a session that ended sooner may end the same way again
    ms output_stuck{5000};    // no byte accepted by the network for so long
    ms relink_pause{5000};    // between two entries into LINKED, so that a slow link does not flap
    ms crossed_wait{250};     // how long the other dial is waited for before this one is taken
};

// Whoever connections come from, they must not be able to fill the log: after a line about
// strangers the next waits for so long, and then twice as long, up to an hour.
inline constexpr Timing::ms stranger_line_pause{1000};
inline constexpr Timing::ms stranger_line_pause_most{3600'000};

}  // namespace twincached::replication::pair
