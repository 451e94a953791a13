#include "protocol/execution/login_gate.hpp"

#include <utility>

namespace twincached::protocol {

// What is malformed, or not complete yet, is no attempt; but who sends nothing else fails, too.
Admission LoginGate::judged(Executor& executor, Admission admission) noexcept {
    auto& totals = executor.counters().totals;
    if (admission == Admission::granted || admission == Admission::refused) {
        totals.add(Count::auth_cmds);
    }
    if (admission == Admission::refused) totals.add(Count::auth_errors);
    if (admission == Admission::granted) failures_ = 0;
    if (admission == Admission::refused || admission == Admission::malformed) {
        if (++failures_ == failures_limit) totals.add(Count::auth_kicks);
    }
    return admission;
}

Admission LoginGate::log_in(Executor& executor, std::string_view token) noexcept {
    const auto& credentials = executor.service().shared().login_credentials;
    return judged(executor, authentication_.log_in(credentials, token));
}

Admission LoginGate::start_sasl(Executor& executor, std::string_view mechanism,
                                std::string_view message) {
    auto& shared = executor.service().shared();
    if (shared.sasl_judge == nullptr) {
        const auto& credentials = shared.sasl_credentials;
        return judged(executor, authentication_.start(credentials, mechanism, message));
    }
    const bool is_asked = talk_ != nullptr && talk_->is_asked;
    if (!is_asked && executor.origin().waker != nullptr) {
        talk_ = std::make_unique<Talk>(Talk{shared.sasl_judge->begin(*executor.origin().waker)});
    }
    return ask(executor, mechanism, message);
}

Admission LoginGate::continue_sasl(Executor& executor, std::string_view mechanism,
                                   std::string_view message) {
    const auto& shared = executor.service().shared();
    if (shared.sasl_judge != nullptr) return ask(executor, mechanism, message);
    return judged(executor, authentication_.step(shared.sasl_credentials, mechanism, message));
}

// Whoever begins anew is shut out until that succeeds.
Admission LoginGate::ask(Executor& executor, std::string_view mechanism, std::string_view message) {
    authentication_.shut();
    if (talk_ == nullptr) return judged(executor, Admission::refused);
    if (!talk_->is_asked) {
        talk_->is_asked = talk_->judged->ask(mechanism, message);
        if (!talk_->is_asked) return judged(executor, Admission::refused);
    }
    auto verdict = talk_->judged->take_verdict();
    if (!verdict) return Admission::pending;
    talk_->is_asked = false;
    talk_->challenge = std::move(verdict->challenge);
    if (verdict->admission != Admission::go_on) talk_.reset();
    if (verdict->admission == Admission::granted) authentication_.open();
    return judged(executor, verdict->admission);
}

std::string_view LoginGate::challenge() const noexcept {
    return talk_ != nullptr ? std::string_view(talk_->challenge) : std::string_view();
}

void LoginGate::refuse_malformed(Executor& executor) noexcept {
    judged(executor, Admission::malformed);
}

void LoginGate::refuse_message(Executor& executor) noexcept {
    judged(executor, Admission::refused);
}

}  // namespace twincached::protocol
