#include "replication/nats/jetstream/publications.hpp"

#include "replication/nats/jetstream/api.hpp"
#include "replication/nats/jetstream/names.hpp"
#include "replication/nats/jetstream/refusals.hpp"

namespace twincached::replication::nats {

void Publications::publish(Token token, std::string_view payload) {
    if (!session_.fits(payload)) return open_.open(token, session_.now(), too_long);
    open_.open(token, session_.patience_ends());
    session_.send(subject_of_node(session_.names()), session_.inbox_of(Inbox::publication, token),
                  payload);
}

void Publications::on_ack(Token token, const WireMessage& message) {
    if (!open_.close(token)) return;  // too late: it was told that it is not there
    auto& events = session_.events();
    if (message.status != 0) return events.not_published(token, sentence(refusal_of(message)));
    const auto ack = read_publish_ack(message.payload, session_.stream_name(own_stream));
    if (ack.has_error()) return events.not_published(token, sentence(ack.error()));
    events.published(token, *ack);
}

void Publications::on_timer() {
    open_.expire(session_.now(), [this](Token token, std::string_view why) {
        session_.events().not_published(token, why);
    });
}

}  // namespace twincached::replication::nats
