#include "replication/nats/engine/announcer.hpp"

namespace twincached::replication::nats {
namespace {

constexpr std::uint64_t refused_pause_ms = 200;

}  // namespace

void Announcer::pause() noexcept {
    speak_at_ms_ = context_.now.steady_ms + refused_pause_ms;
}

bool Announcer::may_tell_more() const noexcept {
    return footing_.may_tell_data(context_) && !sender_.is_on_its_way() && sender_.has_work();
}

SelfDescription Announcer::description() const noexcept {
    return {.is_ready = footing_.is_ready,
            .is_in_step = footing_.is_in_step,
            .claims = false,
            // What is in buckets that are compared is in no message yet.
            .leaves = footing_.is_draining && footing_.is_in_step && !sender_.has_work() &&
                      !sender_.is_on_its_way(),
            .disbelieved = context_.members.disbelieved()};
}

void Announcer::speak(Reunion& reunion, Readiness& readiness) {
    if (!footing_.has_caught_up(context_) || footing_.is_doubled || footing_.is_drained) return;
    const auto now_ms = context_.now.steady_ms;
    if (speaker_.is_waiting() || now_ms < speak_at_ms_) return;
    auto self = description();
    if (reunion.may_claim()) {
        reunion.note_claim();
        readiness.drop_unconfirmed();
        self.claims = true;
        return speaker_.say(self);
    }
    if (may_tell_more() && speaker_.say_data(self)) return;
    self = description();
    auto said = speaker_.said_last();
    said.claims = false;
    const bool is_due = now_ms >= speaker_.said_at_ms() + ms_of(context_.options.heartbeat);
    if (is_due || !footing_.has_spoken || said != self) speaker_.say(self);
}

void Announcer::rest(Reunion& reunion, Readiness& readiness) {
    auto& changes = context_.sink.changes();
    // While something is on its way, what comes of that is awaited, and changes gather.
    const bool listens =
        footing_.may_tell_data(context_) && !speaker_.is_waiting() && !sender_.is_on_its_way();
    changes.set_resting(listens);
    if (listens && context_.now.steady_ms >= speak_at_ms_ && sender_.has_work()) {
        changes.set_resting(false);
        speak(reunion, readiness);
    }
    judge_drained();
}

void Announcer::judge_drained() {
    if (!footing_.is_draining || footing_.is_drained) return;
    const bool has_left = speaker_.said_last().leaves && !speaker_.is_waiting();
    if (!has_left && footing_.may_tell_data(context_)) return;
    footing_.is_drained = true;
    owner_.drained();
}

}  // namespace twincached::replication::nats
