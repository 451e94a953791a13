#include "replication/nats/jetstream/refusals.hpp"

namespace twincached::replication::nats {

ApiError refusal_of(const WireMessage& message) {
    if (message.status == status_no_responders) {
        return {message.status, "JetStream is not there, or elects a leader"};
    }
    return {message.status, "the broker refuses it"};
}

ApiError refusal_of(const WireMessage& message, std::string_view domain) {
    auto refusal = refusal_of(message);
    if (message.status == status_no_responders && !domain.empty())
        refusal.why += ", or its domain is not called " + std::string(domain);
    return refusal;
}

std::string sentence(const ApiError& error) {
    return error.code == 0 ? error.why : error.why + " (" + std::to_string(error.code) + ")";
}

}  // namespace twincached::replication::nats
