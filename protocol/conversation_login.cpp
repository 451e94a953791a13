// How a conversation deals with a client that has to say first who it is: a login in the text
// protocol (memcached's -Y), SASL in the binary protocol (-S). Until then nothing else is done.
#include "protocol/binary/binary_answer.hpp"
#include "protocol/burst.hpp"
#include "protocol/verbs.hpp"

namespace twincached::protocol {

namespace {

constexpr std::string_view line_end = "\r\n";

Answer answer_to(Admission admission) noexcept {
    switch (admission) {
        case Admission::granted:
            return Answer::stored;
        case Admission::malformed:
            return Answer::login_malformed;
        case Admission::refused:
        case Admission::go_on:
            return Answer::login_refused;
    }
    return Answer::login_refused;
}

}  // namespace

void Conversation::count_attempt(Admission admission) noexcept {
    auto& totals = executor_.counters().totals;
    if (admission == Admission::granted || admission == Admission::refused) {
        totals.add(Count::auth_cmds);
    }
    if (admission == Admission::refused) totals.add(Count::auth_errors);
}

Conversation::Step Conversation::run_login_line(Burst& burst, const Line& line) noexcept {
    if (first_line_ && names_http(line.text)) return Step::close;
    first_line_ = false;
    const auto size = parse_login_line(line.text);
    if (!size) {
        burst.answers.write(Answer::unauthenticated);
        finish_request(burst, line.size_with_end);
        return Step::go_on;
    }
    if (*size > Authentication::message_limit) {
        burst.answers.write(Answer::login_too_long);
        return Step::close;
    }
    wanted_ = line.size_with_end + *size + line_end.size();
    const auto text = burst.input.readable();
    if (text.size() < wanted_) return Step::need_input;
    auto answer = Answer::login_bad_end;
    if (text.substr(line.size_with_end + *size, line_end.size()) == line_end) {
        const auto& credentials = executor_.service().shared().login_credentials;
        const auto token = text.substr(line.size_with_end, *size);
        const auto admission = authentication_.log_in(credentials, token);
        count_attempt(admission);
        answer = answer_to(admission);
    }
    burst.answers.write(answer);
    finish_request(burst, wanted_);
    return Step::go_on;
}

Conversation::Step Conversation::take_sasl(Burst& burst, const BinaryRequest& request) noexcept {
    BinaryAnswer answer(burst.output, request);
    if (request.value_bytes() > Authentication::message_limit) {
        count_attempt(Admission::refused);
        answer.error(BinaryStatus::authentication);
        return Step::close;
    }
    const auto head = request.head_bytes();
    const auto size = static_cast<std::size_t>(request.value_bytes());
    wanted_ = head + size;
    const auto input = burst.input.readable();
    if (input.size() < wanted_) return Step::need_input;
    const auto message = input.substr(head, size);
    const auto& credentials = executor_.service().shared().sasl_credentials;
    const auto admission = request.shape->verb == BinaryVerb::sasl_start
                               ? authentication_.start(credentials, request.key, message)
                               : authentication_.step(credentials, request.key, message);
    count_attempt(admission);
    if (admission == Admission::granted) {
        answer.text("Authenticated");
    } else {
        answer.error(admission == Admission::go_on ? BinaryStatus::authentication_goes_on
                                                   : BinaryStatus::authentication);
    }
    finish_request(burst, wanted_);
    return Step::go_on;
}

}  // namespace twincached::protocol
