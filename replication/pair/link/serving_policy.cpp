#include "replication/pair/link/serving_policy.hpp"

#include "lib/allocation.hpp"
#include "lib/durations.hpp"

#include <string>

namespace twincached::replication::pair {

namespace {

// How the line of a node begins that has nobody beside it.
constexpr std::string_view alone = "serving alone as primary: ";

}  // namespace

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

ServingPolicy::ServingPolicy(const Timing& timing, OnSplit on_split, LinkLog& log) noexcept
    : timing_(timing), log_(log), on_split_(on_split) {}

void ServingPolicy::start(Instant now) noexcept {
    grace_at_ = now + timing_.boot_grace;
    serve_at_ = now + timing_.sync_serve;
}

void ServingPolicy::start_alone(Instant now) noexcept {
    role_ = Role::primary;
    serve(now, "no peer is configured");
}

void ServingPolicy::on_timer(Instant now, std::string_view refusal) noexcept {
    const auto due = [now](const std::optional<Instant>& at) { return at && *at <= now; };
    // A process that stood still has not looked for its peer: what the peer sent meanwhile is
    // read first.
    const bool late = due(grace_at_) && now - *grace_at_ > 2 * timing_.heartbeat;
    if (late) grace_at_ = now + timing_.silence;
    if (due(grace_at_)) {
        grace_at_.reset();
        serve_alone(now, refusal);
    }
    if (due(serve_at_)) {
        serve(now, "sync-serve-timeout is over, and the copy of the peer's items is incomplete",
              LogLevel::warning);
    }
    if (due(doubt_until_)) end_doubt("its host takes calls, and nothing is heard of it");
}

void ServingPolicy::begin_session(Instant now) noexcept {
    grace_at_.reset();
    doubt_until_.reset();
    if (serving_ == Serving::cold) {
        serve_at_ = serve_at_.value_or(now + timing_.sync_serve);
    }
    // Who has served for longer missed nothing that the other accepted.
    if (agreed_role_ == Role::primary) admit_clients("the peer has begun anew");
    if (role_ == agreed_role_) return;
    turn(agreed_role_, "agreed with the peer");
    is_by_order_ = is_by_order_ && role_ == Role::primary;
    log_.note(LogLevel::info, {"role: ", name_of(role_), ": agreed with the peer"});
}

void ServingPolicy::on_linked(Instant now) noexcept {
    has_served_beside_ = true;
    admit_clients("linked again");
    serve(now, "synchronised");
}

bool ServingPolicy::end_session(PeersFate fate, Instant now, std::string_view why) noexcept {
    if (serving_ == Serving::cold) {
        grace_at_ = now + timing_.boot_grace;
        return false;
    }
    if (fate == PeersFate::gone || !steps_back()) {
        promote(LogLevel::warning, alone, why);
        return false;
    }
    if (fate == PeersFate::unknown) {
        restrict_clients(why);
        return false;
    }
    doubt_until_ = now + timing_.silence;
    return true;
}

// Behind a primary that may be alive.
bool ServingPolicy::steps_back() const noexcept {
    return role_ == Role::secondary && on_split_ != OnSplit::both_serve;
}

void ServingPolicy::end_doubt(std::string_view why) noexcept {
    if (std::exchange(doubt_until_, std::nullopt)) restrict_clients(why);
}

void ServingPolicy::on_nobody_there() noexcept {
    if (is_in_doubt() || access_ != Access::open)
        promote(LogLevel::warning, alone, "no node runs on the host of the peer");
}

void ServingPolicy::set_on_split(OnSplit policy, bool has_session) noexcept {
    on_split_ = policy;
    if (access_ == Access::open && !is_in_doubt()) return;
    if (has_session) return admit_clients("on-split was set anew");
    promote(LogLevel::warning, alone, "on-split was set anew");
}

void ServingPolicy::take_over(Instant now, std::string_view why) noexcept {
    serve(now, why);
    promote(LogLevel::info, "role: primary: ", why);
    is_by_order_ = true;
}

void ServingPolicy::step_back(std::string_view why) noexcept {
    is_by_order_ = false;
    if (role_ == Role::secondary) return;
    turn(Role::secondary, why);
    log_.note(LogLevel::info, {"role: secondary: ", why});
}

void ServingPolicy::shut_down() noexcept {
    grace_at_.reset();
    serve_at_.reset();
    doubt_until_.reset();
}

std::optional<Instant> ServingPolicy::deadline() const noexcept {
    return earliest({grace_at_, serve_at_, doubt_until_});
}

// Two nodes that refuse each other both serve, and neither hears of the other's changes: that is an
// error of whoever set them up, and the reason is the line's.
void ServingPolicy::serve_alone(Instant now, std::string_view refusal) noexcept {
    const bool is_refused = !refusal.empty();
    (void)lib::has_memory_for([&] {
        const std::string missed = "the peer was not reached within boot-grace (" +
                                   lib::duration_text(timing_.boot_grace) + ")";
        const auto why = is_refused ? refusal : missed;
        serve(now, why);
        promote(is_refused ? LogLevel::error : LogLevel::warning, alone, why);
    });
    if (serving_ == Serving::ready && role_ == Role::primary) return;
    serve(now, {});
    promote(LogLevel::warning, alone, {});
}

void ServingPolicy::serve(Instant now, std::string_view why, LogLevel level) noexcept {
    serve_at_.reset();
    if (serving_ == Serving::ready) return;
    serving_ = Serving::ready;
    ready_since_ = now;
    grace_at_.reset();
    wants_ready_ = true;
    log_.note(level, {"serving: COLD -> READY: ", why});
}

// What a node that serves nobody is called is nobody's news. Without memory for it, it is not told.
void ServingPolicy::turn(Role role, std::string_view why) noexcept {
    if (std::exchange(role_, role) == role || serving_ == Serving::cold) return;
    (void)lib::has_memory_for([&] { turn_ = {role, has_served_beside_, std::string(why)}; });
}

// Changes no data rule: it says which node a balancer should prefer.
void ServingPolicy::promote(LogLevel level, std::string_view what, std::string_view why) noexcept {
    turn(Role::primary, why);
    doubt_until_.reset();
    ++promotions_;
    log_.note(level, {what, why});
    admit_clients("it is the primary now");
}

// The peer may be alive behind a cut, and its clients with it: theirs are the changes that count.
void ServingPolicy::restrict_clients(std::string_view why) noexcept {
    access_ = on_split_ == OnSplit::secondary_closed ? Access::closed : Access::read_only;
    log_.note(LogLevel::warning, {"clients: ", name_of(access_),
                                  ": the primary may be alive out of sight (on-split): ", why});
}

void ServingPolicy::admit_clients(std::string_view why) noexcept {
    if (access_ == Access::open) return;
    access_ = Access::open;
    log_.note(LogLevel::info, {"clients: open: ", why});
}

}  // namespace twincached::replication::pair
