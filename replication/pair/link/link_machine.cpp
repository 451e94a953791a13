#include "replication/pair/link/link_machine.hpp"

#include <cassert>
#include <utility>

namespace twincached::replication::pair {

namespace {

std::string_view colon_before(std::string_view why) noexcept {
    return why.empty() ? "" : ": ";
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

LinkMachine::LinkMachine(const Timing& timing, bool dials, std::uint64_t seed,
                         OnSplit on_split) noexcept
    : timing_(timing), dialling_(timing_, dials, seed), serving_(timing_, on_split, log_) {}

bool LinkMachine::has_session() const noexcept {
    return state_ == LinkState::syncing || state_ == LinkState::linked;
}

void LinkMachine::on(LinkEvent event, Instant now, std::string_view why) noexcept {
    if (state_ == LinkState::draining) return;
    take(event, now, why);
    since_.note(state_, serving_, now);
}

void LinkSinces::begin(Instant now) noexcept {
    state.begin(now);
    serving.begin(now);
    role.begin(now);
    access.begin(now);
}

void LinkSinces::note(LinkState state_now, const ServingPolicy& policy, Instant now) noexcept {
    state.note(state_now, now);
    serving.note(policy.serving(), now);
    role.note(policy.role(), now);
    access.note(policy.access(), now);
}

void LinkMachine::take(LinkEvent event, Instant now, std::string_view why) noexcept {
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
        case LinkEvent::awaited:
            serving_.hold_grace(now);
            break;
        case LinkEvent::dial_failed:
            on_dial_failed(now, why);
            break;
        case LinkEvent::nobody_there:
            if (!has_session()) serving_.on_nobody_there();
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
            on_caught_up(now, why);
            break;
        case LinkEvent::fell_behind:
            caught_up_ = false;
            if (state_ == LinkState::linked) enter(LinkState::syncing, why, LogLevel::info);
            break;
        case LinkEvent::lost:
            on_session_end(PeersFate::unknown, now, why);
            break;
        case LinkEvent::vanished:
            on_session_end(PeersFate::to_be_asked, now, why);
            break;
        case LinkEvent::died:
        case LinkEvent::farewell:
            on_session_end(PeersFate::gone, now, why);
            break;
        case LinkEvent::shutdown:
            on_shutdown(why);
            break;
    }
}

// While LINKED is put off, being caught up is what it waits with: else nothing is due there.
std::optional<Instant> LinkMachine::deadline() const noexcept {
    const bool waits = state_ == LinkState::syncing && caught_up_;
    return earliest({dialling_.next(), serving_.deadline(), waits ? relink_at_ : std::nullopt});
}

// Everything that the events so far ask of the owner; asked for a second time there is nothing.
LinkOrders LinkMachine::take_orders() noexcept {
    LinkOrders orders;
    orders.lines = log_.take();
    orders.hang_up = dialling_.take_hang_up();
    orders.dial = dialling_.take_dial();
    orders.ready = serving_.take_ready();
    orders.access = serving_.take_access();
    orders.turn = serving_.take_turn();
    return orders;
}

// A node without a peer is done with the link at once, and serves.
void LinkMachine::start(Instant now) noexcept {
    since_.begin(now);
    if (!dialling_.has_peer()) return serving_.start_alone(now);
    serving_.start(now);
    dial(now);
}

// One call may find several deadlines over: a dial that hung, the next one, a grace. Each looks for
// itself, so that a process that stood still misses none.
void LinkMachine::on_timer(Instant now) noexcept {
    if (dialling_.is_too_late(now)) {
        dialling_.hang_up();
        on_dial_failed(now, "the peer did not answer in time");
    }
    if (dialling_.is_due(now)) dial(now);
    serving_.on_timer(now, state_ == LinkState::refused ? last_refusal_ : std::string_view());
    const bool may_relink = relink_at_ && *relink_at_ <= now;
    if (state_ == LinkState::syncing && caught_up_ && may_relink) on_caught_up(now, {});
}

void LinkMachine::dial(Instant now) noexcept {
    dialling_.dial(now);
    if (state_ == LinkState::listening) {
        enter(LinkState::connecting, "dialling", dialling_.chatter());
    }
}

// Somebody at the peer's address takes calls. Whether it is the peer is seen by its HELLO, and
// until then nothing is concluded from it.
void LinkMachine::on_connected(std::string_view why) noexcept {
    if (!dialling_.is_calling()) return;
    dialling_.connected();
    if (state_ == LinkState::connecting) enter(LinkState::handshake, why, dialling_.chatter());
}

// While a session is there, or this node is refused, a caller changes no state: it has to prove
// itself first.
void LinkMachine::on_called(std::string_view why) noexcept {
    if (state_ == LinkState::listening || state_ == LinkState::connecting) {
        enter(LinkState::handshake, why, dialling_.chatter());
    }
}

// In REFUSED nothing is to be gained by calling soon; but a call that did not even connect says
// nothing of the refusal, and whoever was refused may be gone: then it is redialled as any other.
void LinkMachine::on_dial_failed(Instant now, std::string_view why) noexcept {
    if (!dialling_.is_under_way()) return;
    const bool had_connected = dialling_.give_up();
    if (!had_connected) serving_.end_doubt(why);
    if (has_session()) return;
    const auto level = dialling_.note_failure(why) ? LogLevel::info : LogLevel::debug;
    if (state_ == LinkState::refused && had_connected) {
        return dialling_.retry_after(now, timing_.redial_refused);
    }
    if (serving_.is_in_doubt()) {
        dialling_.retry_after(now, timing_.redial_first);
    } else {
        dialling_.retry(now);
    }
    if (state_ == LinkState::connecting || state_ == LinkState::refused) {
        enter(LinkState::listening, why, level);
    } else {
        log_.note(level, {"link: the call failed: ", why});
    }
}

// The handshake that is over may have been a stranger's, while our own dial is still on its way.
void LinkMachine::on_handshakes_over(std::string_view why) noexcept {
    if (state_ != LinkState::handshake) return;
    enter(dialling_.is_calling() ? LinkState::connecting : LinkState::listening, why,
          dialling_.chatter());
}

// A peer that is set up wrongly stays so until somebody mends it; a clock may be set right at once.
void LinkMachine::on_refused(LinkEvent how, Instant now, std::string_view why) noexcept {
    ++refusals_;
    serving_.end_doubt(why);
    const bool is_news = told_refusals_.is_news(why);
    (void)lib::has_memory_for([&] { last_refusal_ = why; });
    dialling_.give_up();
    if (has_session()) return;
    const bool for_long = how == LinkEvent::refused;
    dialling_.retry_after(now, for_long ? timing_.redial_refused : timing_.redial_last);
    if (!is_news && state_ == LinkState::refused) return;
    enter(LinkState::refused, why, is_news ? LogLevel::error : LogLevel::debug,
          "; no data is exchanged until that is put right");
}

// The handshake is over, on whichever of the two dials.
void LinkMachine::on_established(Instant now, std::string_view why) noexcept {
    assert(!has_session());
    ++sessions_;
    caught_up_ = false;
    relink_at_.reset();
    told_refusals_.forget();
    dialling_.begin_session(now);
    enter(LinkState::syncing, why, LogLevel::info);
    serving_.begin_session(now);
}

// LINKED again only after a pause: a link that hovers at the limit of what it carries would else
// change its state, and fill the log, without end. No client waits for it, for a node serves since
// the session was LINKED first.
void LinkMachine::on_caught_up(Instant now, std::string_view why) noexcept {
    caught_up_ = true;
    if (state_ != LinkState::syncing) return;
    if (relink_at_ && now < *relink_at_) return;
    relink_at_ = now + timing_.relink_pause;
    enter(LinkState::linked, why.empty() ? "in sync with the peer" : why, LogLevel::info);
    serving_.on_linked(now);
}

// The one way out of a session, whoever ended it and why. The first dial after it is due after the
// usual pause, or at once where clients wait to know whether the peer lives.
void LinkMachine::on_session_end(PeersFate fate, Instant now, std::string_view why) noexcept {
    if (!has_session()) return;
    caught_up_ = false;
    relink_at_.reset();
    enter(LinkState::listening, why, LogLevel::warning, "; it is called again");
    dialling_.end_session(now);
    if (serving_.end_session(fate, now, why)) dialling_.retry_at_once(now);
}

// An operator's word, or the peer's: no event of the link, and so no change of its state.
void LinkMachine::take_over(Instant now, std::string_view why) noexcept {
    if (state_ == LinkState::draining) return;
    serving_.take_over(now, why);
    since_.note(state_, serving_, now);
}

void LinkMachine::step_back(Instant now, std::string_view why) noexcept {
    if (state_ == LinkState::draining) return;
    serving_.step_back(why);
    since_.note(state_, serving_, now);
}

void LinkMachine::on_shutdown(std::string_view why) noexcept {
    dialling_.shut_down();
    serving_.shut_down();
    relink_at_.reset();
    enter(LinkState::draining, why, LogLevel::info);
}

void LinkMachine::enter(LinkState state, std::string_view why, LogLevel level,
                        std::string_view follows) noexcept {
    assert(state_ != LinkState::draining);
    log_.note(level,
              {"link: ", name_of(state_), " -> ", name_of(state), colon_before(why), why, follows});
    state_ = state;
}

}  // namespace twincached::replication::pair
