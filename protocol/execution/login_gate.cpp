#include "protocol/execution/login_gate.hpp"

namespace twincached::protocol {

namespace {

// What is malformed, or not complete yet, is no attempt.
Admission counted(Executor& executor, Admission admission) noexcept {
    auto& totals = executor.counters().totals;
    if (admission == Admission::granted || admission == Admission::refused) {
        totals.add(Count::auth_cmds);
    }
    if (admission == Admission::refused) totals.add(Count::auth_errors);
    return admission;
}

}  // namespace

Admission LoginGate::log_in(Executor& executor, std::string_view token) noexcept {
    const auto& credentials = executor.service().shared().login_credentials;
    return counted(executor, authentication_.log_in(credentials, token));
}

Admission LoginGate::start_sasl(Executor& executor, std::string_view mechanism,
                                std::string_view message) noexcept {
    const auto& credentials = executor.service().shared().sasl_credentials;
    return counted(executor, authentication_.start(credentials, mechanism, message));
}

Admission LoginGate::continue_sasl(Executor& executor, std::string_view mechanism,
                                   std::string_view message) noexcept {
    const auto& credentials = executor.service().shared().sasl_credentials;
    return counted(executor, authentication_.step(credentials, mechanism, message));
}

void LoginGate::refuse_message(Executor& executor) noexcept {
    counted(executor, Admission::refused);
}

}  // namespace twincached::protocol
