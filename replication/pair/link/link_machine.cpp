#include "replication/pair/link/link_machine.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace twincached::replication::pair {

namespace {

std::string sentence(std::string_view from, std::string_view to, std::string_view why) {
    std::string text = "link: ";
    text.append(from).append(" -> ").append(to);
    if (!why.empty()) text.append(": ").append(why);
    return text;
}

}  // namespace

std::string_view name_of(LinkState state) noexcept {
    switch (state) {
        case LinkState::listening:
            return "LISTENING";
        case LinkState::connecting:
            return "CONNECTING";
        case LinkState::handshake:
            return "HANDSHAKE";
        case LinkState::syncing:
            return "SYNCING";
        case LinkState::linked:
            return "LINKED";
        case LinkState::draining:
            return "DRAINING";
        case LinkState::refused:
            return "REFUSED";
    }
    return "";
}

std::string_view name_of(Serving serving) noexcept {
    return serving == Serving::ready ? "READY" : "COLD";
}

std::string_view name_of(Role role) noexcept {
    return role == Role::primary ? "primary" : "secondary";
}

std::string_view name_of(Access access) noexcept {
    switch (access) {
        case Access::open:
            return "open";
        case Access::read_only:
            return "read-only";
        case Access::closed:
            return "closed";
    }
    return "";
}

LinkMachine::LinkMachine(const Timing& timing, bool dials, std::uint64_t seed,
                         OnSplit on_split) noexcept
    : timing_(timing),
      dials_(dials),
      random_(seed),
      on_split_(on_split),
      backoff_(timing.redial_first),
      brief_backoff_(timing.redial_first) {}

bool LinkMachine::has_session() const noexcept {
    return state_ == LinkState::syncing || state_ == LinkState::linked;
}

void LinkMachine::on(LinkEvent event, Instant now, std::string_view why) noexcept {
    if (state_ == LinkState::draining) return;
    switch (event) {
        case LinkEvent::start:
            start(now);
            break;
        case LinkEvent::timer:
            on_timer(now);
            break;
        case LinkEvent::connected:
            on_connected(why);
            break;
        case LinkEvent::dial_failed:
            on_dial_failed(now, why);
            break;
        case LinkEvent::nobody_there:
            on_nobody_there();
            break;
        case LinkEvent::called:
            on_called(why);
            break;
        case LinkEvent::handshakes_over:
            on_handshakes_over(why);
            break;
        case LinkEvent::refused:
        case LinkEvent::clock_refused:
            on_refused(event, now, why);
            break;
        case LinkEvent::established:
            on_established(now, why);
            break;
        case LinkEvent::caught_up:
            on_caught_up(now);
            break;
        case LinkEvent::fell_behind:
            on_fell_behind(why);
            break;
        case LinkEvent::lost:
        case LinkEvent::vanished:
        case LinkEvent::died:
        case LinkEvent::farewell:
            on_session_end(event, now, why);
            break;
        case LinkEvent::shutdown:
            on_shutdown(why);
            break;
    }
}

std::optional<Instant> LinkMachine::deadline() const noexcept {
    std::optional<Instant> first;
    const auto consider = [&first](const std::optional<Instant>& at) {
        if (at && (!first || *at < *first)) first = at;
    };
    consider(dial_deadline_);
    consider(redial_at_);
    consider(grace_at_);
    consider(serve_at_);
    if (state_ == LinkState::syncing && caught_up_) consider(relink_at_);
    return first;
}

void LinkMachine::start(Instant now) noexcept {
    if (!dials_) {
        role_ = Role::primary;
        serve(now, "no peer is configured");
        return;
    }
    grace_at_ = now + timing_.boot_grace;
    serve_at_ = now + timing_.sync_serve;
    dial(now);
}

void LinkMachine::on_timer(Instant now) noexcept {
    const auto due = [now](const std::optional<Instant>& at) { return at && *at <= now; };
    if (due(dial_deadline_)) {
        wants_hang_up_ = true;
        on_dial_failed(now, "no answer in time");
    }
    if (due(redial_at_)) dial(now);
    // A process that stood still has not looked for its peer: what the peer sent meanwhile is
    // read first.
    const bool late = due(grace_at_) && now - *grace_at_ > 2 * timing_.heartbeat;
    if (late) grace_at_ = now + timing_.silence;
    if (due(grace_at_)) {
        grace_at_.reset();
        serve(now, "no peer");
        promote("no peer");
    }
    if (due(serve_at_)) serve(now, "still synchronising, serving what is here");
    if (state_ == LinkState::syncing && caught_up_ && due(relink_at_)) on_caught_up(now);
}

void LinkMachine::dial(Instant now) noexcept {
    redial_at_.reset();
    dial_deadline_ = now + timing_.connect;
    wants_dial_ = true;
    if (state_ == LinkState::listening) enter(LinkState::connecting, "dialling", chatter());
}

void LinkMachine::on_connected(std::string_view why) noexcept {
    if (!dial_deadline_) return;
    end_doubt("the peer's host accepts calls");
    dial_deadline_.reset();
    dial_connected_ = true;
    if (state_ == LinkState::connecting) enter(LinkState::handshake, why, chatter());
}

void LinkMachine::on_called(std::string_view why) noexcept {
    if (state_ == LinkState::listening || state_ == LinkState::connecting) {
        enter(LinkState::handshake, why, chatter());
    }
}

void LinkMachine::on_dial_failed(Instant now, std::string_view why) noexcept {
    if (!dial_deadline_ && !dial_connected_) return;
    end_doubt(why);
    const bool had_connected = std::exchange(dial_connected_, false);
    dial_deadline_.reset();
    if (has_session()) return;
    const auto level = told_failures_.is_news(why) ? LogLevel::info : LogLevel::debug;
    fails_ = true;
    if (state_ == LinkState::refused && had_connected) {
        redial_after(now, timing_.redial_refused);
        return;
    }
    redial_after(now, backoff_);
    backoff_ = std::min(backoff_ * 2, timing_.redial_last);
    if (state_ == LinkState::connecting || state_ == LinkState::refused) {
        enter(LinkState::listening, why, level);
    } else {
        log(level, "link: dial failed: " + std::string(why));
    }
}

void LinkMachine::on_handshakes_over(std::string_view why) noexcept {
    if (state_ != LinkState::handshake) return;
    enter(dial_deadline_ ? LinkState::connecting : LinkState::listening, why, chatter());
}

void LinkMachine::on_refused(LinkEvent how, Instant now, std::string_view why) noexcept {
    ++refusals_;
    const bool is_news = told_refusals_.is_news(why);
    last_refusal_ = why;
    dial_connected_ = false;
    dial_deadline_.reset();
    if (has_session()) return;
    const bool for_long = how == LinkEvent::refused;
    redial_after(now, for_long ? timing_.redial_refused : timing_.redial_last);
    if (!is_news && state_ == LinkState::refused) return;
    enter(LinkState::refused, why, is_news ? LogLevel::error : LogLevel::debug);
}

void LinkMachine::on_established(Instant now, std::string_view why) noexcept {
    assert(!has_session());
    ++sessions_;
    established_at_ = now;
    if (dial_deadline_) wants_hang_up_ = true;
    dial_deadline_.reset();
    redial_at_.reset();
    grace_at_.reset();
    relink_at_.reset();
    in_doubt_ = false;
    dial_connected_ = false;
    caught_up_ = false;
    backoff_ = timing_.redial_first;
    told_failures_.forget();
    told_refusals_.forget();
    fails_ = false;
    if (serving_ == Serving::cold) {
        serve_at_ = serve_at_.value_or(now + timing_.sync_serve);
    }
    enter(LinkState::syncing, why);
    // Who has served for longer missed nothing that the other accepted.
    if (agreed_role_ == Role::primary) admit_clients("the peer has begun anew");
    if (role_ == agreed_role_) return;
    role_ = agreed_role_;
    log(LogLevel::info, "role: " + std::string(name_of(role_)) + ": agreed with the peer");
}

void LinkMachine::on_caught_up(Instant now) noexcept {
    caught_up_ = true;
    if (state_ != LinkState::syncing) return;
    const bool too_soon = relink_at_ && now < *relink_at_;
    if (too_soon && serving_ == Serving::ready) return;
    relink_at_ = now + timing_.relink_pause;
    enter(LinkState::linked, "both nodes have caught up");
    admit_clients("linked again");
    serve(now, "synchronised");
}

void LinkMachine::on_fell_behind(std::string_view why) noexcept {
    caught_up_ = false;
    if (state_ == LinkState::linked) enter(LinkState::syncing, why);
}

void LinkMachine::on_session_end(LinkEvent how, Instant now, std::string_view why) noexcept {
    if (!has_session()) return;
    caught_up_ = false;
    relink_at_.reset();
    enter(LinkState::listening, why, LogLevel::warning);
    const bool settled = now - established_at_ >= timing_.settled;
    backoff_ = settled ? timing_.redial_first : std::min(brief_backoff_, timing_.redial_last);
    brief_backoff_ = backoff_ * 2;
    redial_after(now, backoff_);
    if (serving_ == Serving::cold) {
        grace_at_ = now + timing_.boot_grace;
    } else if (how == LinkEvent::lost && steps_back()) {
        restrict_clients(why);
    } else if (how == LinkEvent::vanished && steps_back()) {
        in_doubt_ = true;
        redial_at_ = now;
    } else {
        promote(why);
    }
}

// Behind a primary that may be alive.
bool LinkMachine::steps_back() const noexcept {
    return role_ == Role::secondary && on_split_ != OnSplit::both_serve;
}

void LinkMachine::end_doubt(std::string_view why) noexcept {
    if (std::exchange(in_doubt_, false)) restrict_clients(why);
}

// The system of the peer's host answers for a process that does not run.
void LinkMachine::on_nobody_there() noexcept {
    if (has_session()) return;
    if (in_doubt_ || access_ != Access::open) promote("no peer runs on the peer's host");
}

void LinkMachine::set_on_split(OnSplit policy) noexcept {
    on_split_ = policy;
    if (access_ == Access::open && !in_doubt_) return;
    if (has_session()) return admit_clients("on-split was set anew");
    promote("on-split was set anew");
}

void LinkMachine::on_shutdown(std::string_view why) noexcept {
    wants_hang_up_ = dial_deadline_.has_value();
    dial_connected_ = false;
    wants_dial_ = false;
    for (auto* at : {&dial_deadline_, &redial_at_, &grace_at_, &serve_at_, &relink_at_}) {
        at->reset();
    }
    enter(LinkState::draining, why);
}

// A fifth more or less, so that two nodes that fail in step do not stay in step.
void LinkMachine::redial_after(Instant now, Timing::ms pause) noexcept {
    if (!dials_) return;
    redial_at_ = now + pause * static_cast<int>(80 + random_.below(41)) / 100;
}

void LinkMachine::serve(Instant now, std::string_view why) noexcept {
    serve_at_.reset();
    if (serving_ == Serving::ready) return;
    serving_ = Serving::ready;
    ready_since_ = now;
    grace_at_.reset();
    wants_ready_ = true;
    log(LogLevel::info, "serving: COLD -> READY: " + std::string(why));
}

// Changes no data rule: it says which node a balancer should prefer.
void LinkMachine::promote(std::string_view why) noexcept {
    role_ = Role::primary;
    in_doubt_ = false;
    ++promotions_;
    log(LogLevel::info, "promoted: " + std::string(why));
    admit_clients("promoted");
}

// The peer may be alive behind a cut, and its clients with it: theirs are the changes that count.
void LinkMachine::restrict_clients(std::string_view why) noexcept {
    access_ = on_split_ == OnSplit::secondary_closed ? Access::closed : Access::read_only;
    log(LogLevel::warning,
        "clients: " + std::string(name_of(access_)) +
            ": the primary may be alive out of sight (on-split): " + std::string(why));
}

void LinkMachine::admit_clients(std::string_view why) noexcept {
    if (access_ == Access::open) return;
    access_ = Access::open;
    log(LogLevel::info, "clients: open: " + std::string(why));
}

// While dial after dial fails, the way there and back is of interest to a debugger alone.
LogLevel LinkMachine::chatter() const noexcept {
    return fails_ ? LogLevel::debug : LogLevel::info;
}

void LinkMachine::enter(LinkState state, std::string_view why, LogLevel level) noexcept {
    assert(state_ != LinkState::draining);
    log(level, sentence(name_of(state_), name_of(state), why));
    state_ = state;
}

void LinkMachine::log(LogLevel level, std::string text) noexcept {
    if (level != LogLevel::debug) last_event_ = text;
    log_.push_back({level, std::move(text)});
}

}  // namespace twincached::replication::pair
