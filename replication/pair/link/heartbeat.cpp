#include "replication/pair/link/heartbeat.hpp"

namespace twincached::replication::pair {

Heartbeat::Heartbeat(const Timing& timing, Instant now) noexcept
    : timing_(timing),
      woken_at_(now),
      heard_at_(now),
      judge_from_(now),
      complain_from_(now),
      output_since_(now),
      next_ping_(now) {}

// Whoever has not run for two beats has heard nobody and beaten for nobody: the fault is his own.
// What lies in his sockets is read before the peer is judged, and the peer's complaints of that
// time do not count.
void Heartbeat::wake(Instant now) noexcept {
    if (now - woken_at_ > 2 * timing_.heartbeat) {
        ++stalls_;
        judge_from_ = now + timing_.heartbeat;
        complain_from_ = now + timing_.silence;
        output_since_ = now;
    }
    if (now - woken_at_ > timing_.patience_of_peer()) {
        woke_up_at_ = now;
        next_ping_ = now;
    }
    woken_at_ = now;
}

void Heartbeat::peer_says_unheard(Timing::ms age, Instant now) noexcept {
    if (now >= complain_from_ && age >= timing_.silence) peer_is_deaf_ = true;
}

void Heartbeat::output(bool waiting, bool moved, Instant now) noexcept {
    if (moved || !output_waits_) output_since_ = now;
    output_waits_ = waiting;
}

bool Heartbeat::take_ping(Instant now) noexcept {
    if (now < next_ping_) return false;
    next_ping_ = now + timing_.heartbeat;
    return true;
}

// What is known for certain first: the peer's own word, then what this node has not heard, then
// what it could not say. The last takes longest: a network that is full is not broken.
std::string_view Heartbeat::verdict(Instant now) const noexcept {
    if (peer_is_deaf_) return "the peer does not hear this node";
    if (unheard(now) >= timing_.silence) return peer_is_silent;
    if (output_waits_ && now - output_since_ >= timing_.output_stuck) {
        return "the peer takes nothing off the link";
    }
    return {};
}

}  // namespace twincached::replication::pair
