#include "replication/nats/jetstream/jetstream_broker.hpp"

#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr Channel channel_of_inbox = 1;
constexpr Channel channel_of_tellings = 2;
constexpr Channel channel_of_claims = 3;
constexpr std::string_view queue = "twincached";

}  // namespace

JetStreamBroker::JetStreamBroker(Settings settings) : session_(std::move(settings)) {}

// --- told by the driver --------------------------------------------------------------------------

void JetStreamBroker::on_connected(Wire& wire, std::size_t max_payload, std::string inbox,
                                   Instant now) {
    session_.at(now);
    session_.begin(wire, max_payload, std::move(inbox));
    max_payload_ = max_payload;
    const bool hears = session_.subscribe(channel_of_inbox, session_.inbox() + ".*.*", {}) &&
                       hear_tellings() &&
                       session_.subscribe(channel_of_claims, claim_.subject(), {});
    if (hears) claim_.begin();  // else the connection is about to be lost, which will be told
}

bool JetStreamBroker::hear_tellings() {
    return session_.subscribe(channel_of_tellings, telling_subject(session_.names(), ">"), {});
}

void JetStreamBroker::hear_tellings_again() {
    session_.unsubscribe(channel_of_tellings);
    (void)hear_tellings();
}

void JetStreamBroker::on_disconnected(std::string_view why) {
    if (!session_.stands()) return;
    session_.end();
    calls_.clear();
    streams_.clear();
    consumers_.clear();
    publications_.clear();
    asks_.clear();
    served_.clear();
    claim_.clear();
    is_answered_ = is_jetstream_heard_ = false;
    if (std::exchange(is_admitted_, false)) session_.events().disconnected(why);
}

void JetStreamBroker::on_message(const WireMessage& message, Instant now) {
    if (!session_.stands()) return;
    session_.at(now);
    if (message.channel == channel_of_inbox) return on_inbox(message);
    if (message.channel == channel_of_claims) return claim_.on_question(message);
    if (!is_admitted_) return;  // what others say has waited for nobody
    if (message.channel == channel_of_tellings) return on_telling(message);
    if (!consumers_.on_message(message)) on_question(message);
}

void JetStreamBroker::on_timer(Instant now) {
    session_.at(now);
    claim_.on_timer();
    admit();
    calls_.on_timer();
    streams_.on_timer();
    publications_.on_timer();
    asks_.on_timer();
    consumers_.on_timer();
}

std::optional<JetStreamBroker::Instant> JetStreamBroker::deadline() const {
    std::optional<Instant> first;
    for (const auto& one : {claim_.deadline(), calls_.deadline(), streams_.deadline(),
                            publications_.deadline(), asks_.deadline(), consumers_.deadline()})
        if (one && (!first || *one < *first)) first = one;
    return first;
}

// --- Broker --------------------------------------------------------------------------------------

void JetStreamBroker::look(StreamId stream) {
    if (can_read(stream)) streams_.look(stream);
}

void JetStreamBroker::publish(Token token, std::string_view payload) {
    if (session_.stands()) publications_.publish(token, payload);
}

void JetStreamBroker::consume(StreamId stream, Sequence from) {
    if (can_read(stream)) consumers_.consume(stream, from);
}

void JetStreamBroker::stop_consuming(StreamId stream) {
    if (can_read(stream)) consumers_.stop(stream);
}

void JetStreamBroker::serve(std::string_view subject, bool whether) {
    if (!session_.stands()) return;
    const auto found = served_.find(subject);
    if (whether == (found != served_.end())) return;
    if (!whether) {
        session_.unsubscribe(found->second);
        served_.erase(found);
        return;
    }
    const auto channel = session_.next_number();
    served_.emplace(subject, channel);
    (void)session_.subscribe(channel, asking_subject(session_.names(), subject),
                             std::string(queue));
}

void JetStreamBroker::ask(Token token, std::string_view subject, std::string_view payload) {
    if (session_.stands()) asks_.ask(token, subject, payload);
}

void JetStreamBroker::reply(std::string_view to, std::string_view payload) {
    if (to.empty() || !session_.fits(payload)) return;
    session_.send(std::string(to), session_.inbox_of(Inbox::reply), payload);
}

void JetStreamBroker::tell(std::string_view subject, std::string_view payload) {
    if (!session_.fits(payload)) return;
    session_.send(telling_subject(session_.names(), subject), {}, payload);
}

// --- inside --------------------------------------------------------------------------------------

void JetStreamBroker::admit() {
    if (!claim_.is_held() || std::exchange(is_admitted_, true)) return;
    session_.events().connected(max_payload_);
}

bool JetStreamBroker::can_read(StreamId stream) const noexcept {
    return session_.stands() && session_.is_known(stream);
}

void JetStreamBroker::on_telling(const WireMessage& message) {
    const auto subject = told_subject(session_.names(), message.subject);
    if (!subject.empty()) session_.events().told(subject, message.payload);
}

void JetStreamBroker::on_question(const WireMessage& message) {
    const auto subject = asked_subject(session_.names(), message.subject);
    if (!subject.empty()) session_.events().asked(subject, message.payload, message.reply);
}

void JetStreamBroker::on_inbox(const WireMessage& message) {
    const auto place = session_.place_of(message.subject);
    if (!place) return;
    is_answered_ = true;
    const bool is_of_jetstream =
        place->kind == Inbox::publication || place->kind == Inbox::api_call;
    is_jetstream_heard_ = is_jetstream_heard_ || is_of_jetstream;
    switch (place->kind) {
        case Inbox::publication:
            return publications_.on_ack(place->number, message);
        case Inbox::question:
            return asks_.on_answer(place->number, message);
        case Inbox::api_call:
            return calls_.on_answer(place->number, message);
        case Inbox::claim:
            claim_.on_answer(message);
            return admit();
        case Inbox::reply:
            if (message.status == 0) session_.events().asked({}, message.payload, message.reply);
            return;
    }
}

}  // namespace twincached::replication::nats
