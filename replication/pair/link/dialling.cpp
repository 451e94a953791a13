#include "replication/pair/link/dialling.hpp"

#include <algorithm>
#include <cassert>

namespace twincached::replication::pair {

Dialling::Dialling(const Timing& timing, bool dials, std::uint64_t seed) noexcept
    : timing_(timing),
      dials_(dials),
      random_(seed),
      backoff_(timing.redial_first),
      brief_backoff_(timing.redial_first) {}

void Dialling::dial(Instant now) noexcept {
    redial_at_.reset();
    deadline_ = now + timing_.connect;
    wants_dial_ = true;
}

void Dialling::connected() noexcept {
    assert(is_calling());
    deadline_.reset();
    connected_ = true;
}

bool Dialling::give_up() noexcept {
    deadline_.reset();
    return std::exchange(connected_, false);
}

void Dialling::retry(Instant now) noexcept {
    retry_after(now, backoff_);
    backoff_ = std::min(backoff_ * 2, timing_.redial_last);
}

// A fifth more or less, so that two nodes that fail in step do not stay in step.
void Dialling::retry_after(Instant now, Timing::ms pause) noexcept {
    if (!dials_) return;
    redial_at_ = now + pause * static_cast<int>(80 + random_.below(41)) / 100;
}

bool Dialling::note_failure(std::string_view why) noexcept {
    fails_ = true;
    return told_failures_.is_news(why);
}

void Dialling::begin_session(Instant now) noexcept {
    if (is_calling()) hang_up();
    give_up();
    redial_at_.reset();
    session_began_at_ = now;
    backoff_ = timing_.redial_first;
    told_failures_.forget();
    fails_ = false;
}

// Two nodes whose sessions break at once, one after the other, must not dial each other without
// end: only a session that has settled makes the pause short again.
void Dialling::end_session(Instant now) noexcept {
    const bool settled = now - session_began_at_ >= timing_.settled;
    backoff_ = settled ? timing_.redial_first : std::min(brief_backoff_, timing_.redial_last);
    brief_backoff_ = backoff_ * 2;
    retry_after(now, backoff_);
}

void Dialling::shut_down() noexcept {
    wants_hang_up_ = is_calling();
    wants_dial_ = false;
    give_up();
    redial_at_.reset();
}

std::optional<Instant> Dialling::next() const noexcept {
    return earliest({deadline_, redial_at_});
}

}  // namespace twincached::replication::pair
