#include "replication/nats/jetstream/consumers.hpp"

#include "lib/numbers.hpp"
#include "replication/nats/jetstream/api.hpp"
#include "replication/nats/jetstream/refusals.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::nats {
namespace {

// Heartbeats that may be missed, with half a one for those that are late.
constexpr int halves_missed = 5;
constexpr std::int64_t ns_per_ms = 1'000'000;

}  // namespace

Consumers::Consumers(BrokerSession& session, ApiCalls& calls)
    : session_(session), calls_(calls), consumers_(1 + session.names().others.size()) {}

void Consumers::consume(StreamId stream, Sequence from) {
    stop(stream);
    auto& consumer = consumers_[stream];
    consumer.channel = session_.next_number();
    consumer.next = std::max<Sequence>(from, 1);
    consumer.until = session_.patience_ends();
    // The broker begins to deliver when somebody listens to exactly this subject.
    const auto place = session_.inbox() + "." + std::to_string(consumer.channel);
    if (!session_.subscribe(consumer.channel, place, {})) return;
    const auto name = session_.stream_name(stream);
    const auto body = consumer_request(name, {place, consumer.next, session_.settings().heartbeat});
    consumer.creation =
        calls_.call({session_.names().domain, "CONSUMER.CREATE", name, body},
                    [this, stream](const auto& answer) { on_created(stream, answer); });
}

// One whose name is not known yet is forgotten by the broker itself, for nobody listens to it.
void Consumers::stop(StreamId stream) {
    const auto consumer = std::exchange(consumers_[stream], {});
    if (consumer.channel == 0) return;
    session_.unsubscribe(consumer.channel);
    calls_.give_up(consumer.creation);
    if (consumer.name.empty()) return;
    const auto name = session_.stream_name(stream) + "." + consumer.name;
    calls_.tell({session_.names().domain, "CONSUMER.DELETE", name});
}

bool Consumers::on_message(const WireMessage& message) {
    for (StreamId stream = 0; stream < consumers_.size(); ++stream) {
        auto& consumer = consumers_[stream];
        if (consumer.channel == 0 || consumer.channel != message.channel) continue;
        // What is on its way when the consumer has its place must not end it early.
        if (!consumer.name.empty()) consumer.until = silence_ends();
        message.status != 0 ? on_control(stream, message) : on_delivery(stream, message);
        return true;
    }
    return false;
}

void Consumers::on_timer() {
    for (StreamId stream = 0; stream < consumers_.size(); ++stream) {
        const auto& consumer = consumers_[stream];
        if (consumer.channel != 0 && consumer.until <= session_.now())
            lose(stream, "the broker has fallen silent");
    }
}

std::optional<Consumers::Instant> Consumers::deadline() const {
    std::optional<Instant> first;
    for (const auto& one : consumers_)
        if (one.channel != 0 && (!first || one.until < *first)) first = one.until;
    return first;
}

void Consumers::clear() {
    for (auto& consumer : consumers_)
        consumer = {};
}

void Consumers::on_created(StreamId stream, const ApiCalls::Answer& answer) {
    if (answer.has_error()) return lose(stream, sentence(answer.error()));
    auto name = read_consumer_created(*answer);
    if (name.has_error()) return lose(stream, sentence(name.error()));
    consumers_[stream].name = *std::move(name);
    consumers_[stream].until = silence_ends();
    session_.events().reading(stream);
}

void Consumers::on_delivery(StreamId stream, const WireMessage& message) {
    auto& consumer = consumers_[stream];
    const auto place = read_place(message.reply);
    if (!place || place->stream != session_.stream_name(stream)) return;  // a stranger's
    if (place->number != consumer.number + 1) {
        return lose(stream, "deliveries were lost on the way");
    }
    if (place->sequence < consumer.next) return lose(stream, "the log does not go on there");
    consumer.number = place->number;
    consumer.next = place->sequence + 1;
    session_.events().delivered(
        {stream, place->sequence, place->time_ns / ns_per_ms, place->pending, message.payload});
}

// All that was delivered before it has been taken, for it arrives in order.
void Consumers::on_control(StreamId stream, const WireMessage& message) {
    if (message.status != status_control) {
        return lose(stream, "the broker has ended it (" + std::to_string(message.status) + ")");
    }
    if (!message.reply.empty()) session_.send(std::string(message.reply), {}, {});
    if (!message.stalled.empty()) session_.send(std::string(message.stalled), {}, {});
    const auto last = lib::parse_number<std::uint64_t>(message.last_consumed);
    if (last && *last > consumers_[stream].number) lose(stream, "deliveries were lost on the way");
}

void Consumers::lose(StreamId stream, std::string_view why) {
    stop(stream);
    session_.events().consumer_lost(stream, why);
}

Consumers::Instant Consumers::silence_ends() const noexcept {
    return session_.now() + session_.settings().heartbeat * halves_missed / 2;
}

}  // namespace twincached::replication::nats
