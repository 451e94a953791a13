#include "protocol/execution/login_gate.hpp"

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
                                std::string_view message) noexcept {
    const auto& credentials = executor.service().shared().sasl_credentials;
    return judged(executor, authentication_.start(credentials, mechanism, message));
}

Admission LoginGate::continue_sasl(Executor& executor, std::string_view mechanism,
                                   std::string_view message) noexcept {
    const auto& credentials = executor.service().shared().sasl_credentials;
    return judged(executor, authentication_.step(credentials, mechanism, message));
}

void LoginGate::refuse_malformed(Executor& executor) noexcept {
    judged(executor, Admission::malformed);
}

void LoginGate::refuse_message(Executor& executor) noexcept {
    judged(executor, Admission::refused);
}

}  // namespace twincached::protocol
