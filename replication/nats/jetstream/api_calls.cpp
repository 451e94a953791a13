#include "replication/nats/jetstream/api_calls.hpp"

#include "replication/nats/jetstream/names.hpp"
#include "replication/nats/jetstream/refusals.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::nats {

ApiCalls::Number ApiCalls::call(const Request& request, Then then) {
    const auto number = session_.next_number();
    open_[number] = {std::move(then), std::string(request.domain), session_.patience_ends()};
    send(request, number);
    return number;
}

// To a number that nobody waits for: the broker wants a place for its answer.
void ApiCalls::tell(const Request& request) {
    send(request, session_.next_number());
}

void ApiCalls::on_answer(Number number, const WireMessage& message) {
    auto answered = open_.extract(number);
    if (answered.empty()) return;  // given up, or too late
    const auto& [then, domain, until] = answered.mapped();
    if (message.status != 0) return then(refusal_of(message, domain));
    then(message.payload);
}

void ApiCalls::on_timer() {
    const auto is_due = [now = session_.now()](const auto& one) { return one.second.until <= now; };
    for (;;) {
        const auto due = std::find_if(open_.begin(), open_.end(), is_due);
        if (due == open_.end()) return;
        const auto expired = open_.extract(due);
        expired.mapped().then(ApiError{0, std::string(no_answer)});
    }
}

std::optional<ApiCalls::Instant> ApiCalls::deadline() const {
    std::optional<Instant> first;
    for (const auto& [number, one] : open_)
        if (!first || one.until < *first) first = one.until;
    return first;
}

void ApiCalls::send(const Request& request, Number number) {
    session_.send(api_subject(request.domain, request.what, request.of),
                  session_.inbox_of(Inbox::api_call, number), request.body);
}

}  // namespace twincached::replication::nats
