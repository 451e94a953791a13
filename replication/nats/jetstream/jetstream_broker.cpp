#include "replication/nats/jetstream/jetstream_broker.hpp"

#include "lib/numbers.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr Channel channel_of_inbox = 1;
constexpr Channel channel_of_tellings = 2;
constexpr std::uint64_t first_number = 16;
// Heartbeats that may be missed, with half a one for those that are late.
constexpr int halves_missed = 5;
constexpr std::string_view queue = "twincached";
constexpr std::string_view no_responders = "nobody listens there";
constexpr std::string_view no_answer = "the broker does not answer";
constexpr int not_found = 404;
constexpr std::int64_t ns_per_ms = 1'000'000;

std::string sentence(const ApiError& error) {
    return error.code == 0 ? error.why : error.why + " (" + std::to_string(error.code) + ")";
}

ApiError refusal_of(const WireMessage& message) {
    if (message.status == status_no_responders) {
        return {message.status, "JetStream is not there, or elects a leader"};
    }
    return {message.status, "the broker refuses it"};
}

}  // namespace

JetStreamBroker::JetStreamBroker(Settings settings)
    : settings_(std::move(settings)), consumers_(1 + settings_.names.others.size()) {}

// --- told by the driver --------------------------------------------------------------------------

void JetStreamBroker::on_connected(Wire& wire, std::size_t max_payload, std::string inbox,
                                   Instant now) {
    wire_ = &wire;
    max_payload_ = max_payload;
    inbox_ = std::move(inbox);
    now_ = now;
    numbers_ = first_number;
    const bool hears =
        wire.subscribe(channel_of_inbox, inbox_ + ".*.*", {}) &&
        wire.subscribe(channel_of_tellings, telling_subject(settings_.names, ">"), {});
    if (!hears) return;  // the connection is about to be lost, which will be told
    events_->connected(max_payload);
}

void JetStreamBroker::on_disconnected(std::string_view why) {
    if (wire_ == nullptr) return;
    wire_ = nullptr;
    publications_.clear();
    asks_.clear();
    calls_.clear();
    served_.clear();
    looking_.clear();
    origins_.clear();
    later_.clear();
    for (auto& consumer : consumers_)
        consumer = {};
    events_->disconnected(why);
}

void JetStreamBroker::on_message(const WireMessage& message, Instant now) {
    if (wire_ == nullptr || message.channel == 0) return;
    now_ = now;
    if (message.channel == channel_of_tellings) {
        const auto subject = told_subject(settings_.names, message.subject);
        if (!subject.empty()) events_->told(subject, message.payload);
        return;
    }
    if (message.channel == channel_of_inbox) {
        if (message.subject.size() <= inbox_.size() + 1) return;
        return on_answer(message.subject.substr(inbox_.size() + 1), message);
    }
    for (StreamId stream = 0; stream < consumers_.size(); ++stream)
        if (consumers_[stream].channel == message.channel) return on_delivery(stream, message);
    const auto subject = asked_subject(settings_.names, message.subject);
    if (!subject.empty()) events_->asked(subject, message.payload, message.reply);
}

void JetStreamBroker::on_timer(Instant now) {
    now_ = now;
    const auto due = std::exchange(later_, {});
    for (const auto& tell : due)
        tell();
    expire_calls();
    expire_silent();
}

std::optional<JetStreamBroker::Instant> JetStreamBroker::deadline() const {
    std::optional<Instant> first;
    const auto note = [&](Instant until) {
        if (!first || until < *first) first = until;
    };
    if (!later_.empty()) note(now_);
    for (const auto& [token, until] : publications_)
        note(until);
    for (const auto& [token, until] : asks_)
        note(until);
    for (const auto& [number, call] : calls_)
        note(call.until);
    for (const auto& consumer : consumers_)
        if (consumer.channel != 0) note(consumer.until);
    return first;
}

// --- Broker --------------------------------------------------------------------------------------

// A mirror's origin is asked first: if it was made anew, so must the mirror be.
void JetStreamBroker::look(StreamId stream) {
    if (wire_ == nullptr || !is_known(stream) || !looking_.insert(stream).second) return;
    if (stream == own_stream) return look_here(stream);
    const auto& site = settings_.names.others[stream - 1];
    const auto origin = stream_of(settings_.names.cluster, site.name);
    OpenCall open{Call::look_at_origin, stream, 0, now_ + settings_.patience};
    const auto number = ++numbers_;
    calls_[number] = open;
    (void)send(api_subject(site.domain, "STREAM.INFO", origin), inbox_of('j', number), "");
}

void JetStreamBroker::publish(Token token, std::string_view payload) {
    if (wire_ == nullptr) return;
    if (payload.size() > max_payload_) {
        later_.emplace_back(
            [this, token] { events_->not_published(token, "it is longer than the broker takes"); });
        return;
    }
    publications_[token] = now_ + settings_.patience;
    (void)send(subject_of_node(settings_.names), inbox_of('p', token), payload);
}

void JetStreamBroker::consume(StreamId stream, Sequence from) {
    if (wire_ == nullptr || !is_known(stream)) return;
    end_consumer(stream);
    auto& consumer = consumers_[stream];
    consumer.channel = ++numbers_;
    consumer.next = std::max<Sequence>(from, 1);
    consumer.until = now_ + settings_.patience;
    // The broker begins to deliver when somebody listens to exactly this subject.
    const auto place = inbox_ + "." + std::to_string(consumer.channel);
    if (!wire_->subscribe(consumer.channel, place, {})) return;
    const ConsumerSettings wanted{place, consumer.next, settings_.heartbeat};
    call({Call::consume, stream, consumer.channel, now_ + settings_.patience}, "CONSUMER.CREATE",
         consumer_request(stream_name(stream), wanted));
}

void JetStreamBroker::stop_consuming(StreamId stream) {
    if (wire_ != nullptr && is_known(stream)) end_consumer(stream);
}

void JetStreamBroker::serve(std::string_view subject, bool whether) {
    if (wire_ == nullptr) return;
    const auto found = served_.find(subject);
    if (whether == (found != served_.end())) return;
    if (!whether) {
        wire_->unsubscribe(found->second);
        served_.erase(found);
        return;
    }
    const auto channel = ++numbers_;
    served_.emplace(subject, channel);
    (void)wire_->subscribe(channel, asking_subject(settings_.names, subject), std::string(queue));
}

void JetStreamBroker::ask(Token token, std::string_view subject, std::string_view payload) {
    if (wire_ == nullptr) return;
    if (asks_.size() >= asks_limit || payload.size() > max_payload_) {
        const char* why = payload.size() > max_payload_ ? "it is longer than the broker takes"
                                                        : "too much is being asked";
        later_.emplace_back([this, token, why] { events_->not_answered(token, why); });
        return;
    }
    asks_[token] = now_ + settings_.patience;
    (void)send(asking_subject(settings_.names, subject), inbox_of('a', token), payload);
}

void JetStreamBroker::reply(std::string_view to, std::string_view payload) {
    if (wire_ == nullptr || to.empty() || payload.size() > max_payload_) return;
    (void)send(std::string(to), inbox_ + ".q.-", payload);
}

void JetStreamBroker::tell(std::string_view subject, std::string_view payload) {
    if (wire_ == nullptr || payload.size() > max_payload_) return;
    (void)send(telling_subject(settings_.names, subject), {}, payload);
}

// --- inside --------------------------------------------------------------------------------------

bool JetStreamBroker::send(const std::string& subject, const std::string& reply,
                           std::string_view payload) {
    return wire_ != nullptr && wire_->publish(subject, reply, payload);
}

void JetStreamBroker::call(OpenCall call, std::string_view what, std::string_view body) {
    // Each kind is asked once per stream at a time; more than this is a fault of ours.
    if (calls_.size() >= calls_limit) calls_.erase(calls_.begin());
    const auto number = ++numbers_;
    calls_[number] = call;
    const auto subject = api_subject(settings_.names.domain, what, stream_name(call.stream));
    (void)send(subject, inbox_of('j', number), body);
}

void JetStreamBroker::on_answer(std::string_view tail, const WireMessage& message) {
    if (tail.size() < 3 || tail[1] != '.') return;
    if (tail[0] == 'q') {
        if (message.status == 0) events_->asked({}, message.payload, message.reply);
        return;
    }
    const auto number = lib::parse_number<std::uint64_t>(tail.substr(2));
    if (!number) return;
    if (tail[0] == 'p') return on_publish_ack(*number, message);
    if (tail[0] == 'a') return on_ask_answer(*number, message);
    if (tail[0] == 'j') return on_api_answer(*number, message);
}

void JetStreamBroker::on_publish_ack(Token token, const WireMessage& message) {
    if (publications_.erase(token) == 0) return;  // too late: it was told that it is not there
    if (message.status != 0) {
        return events_->not_published(token, sentence(refusal_of(message)));
    }
    const auto ack = read_publish_ack(message.payload, stream_name(own_stream));
    if (ack.has_error()) return events_->not_published(token, sentence(ack.error()));
    events_->published(token, *ack);
}

void JetStreamBroker::on_ask_answer(Token token, const WireMessage& message) {
    const auto found = asks_.find(token);
    if (found == asks_.end()) return;
    if (message.status != 0) {
        asks_.erase(found);
        return events_->not_answered(token, no_responders);
    }
    found->second = now_ + settings_.patience;
    events_->answered(token, message.payload, message.reply);
}

void JetStreamBroker::on_api_answer(std::uint64_t number, const WireMessage& message) {
    const auto found = calls_.find(number);
    if (found == calls_.end()) return;
    const auto call = found->second;
    calls_.erase(found);
    switch (call.kind) {
        case Call::look:
        case Call::create:
            return on_looked(call, message);
        case Call::look_at_origin:
            return on_origin(call.stream, message);
        case Call::remove:
            return create(call.stream);
        case Call::consume:
            return on_consumer_created(call, message);
        case Call::forget:
            return;
    }
}

// Of an origin that cannot be reached nothing is known, and its mirror is good as it is.
void JetStreamBroker::on_origin(StreamId stream, const WireMessage& message) {
    origins_.erase(stream);
    if (message.status == 0) {
        const auto info = read_stream_info(message.payload);
        if (info.has_value()) origins_[stream] = info->state.created;
    }
    look_here(stream);
}

void JetStreamBroker::look_here(StreamId stream) {
    call({Call::look, stream, 0, now_ + settings_.patience}, "STREAM.INFO", "");
}

void JetStreamBroker::on_looked(const OpenCall& call, const WireMessage& message) {
    if (message.status != 0) return end_look(call.stream, refusal_of(message));
    const auto info = read_stream_info(message.payload);
    const bool is_missing = info.has_error() && info.error().code == not_found;
    if (call.kind == Call::look && is_missing) return create(call.stream);
    // Somebody else created it at the same time, with other settings: it is good as it is.
    if (call.kind == Call::create && info.has_error() && info.error().code == 400 &&
        info.error().why.find("already in use") != std::string::npos) {
        return look_here(call.stream);
    }
    const auto origin = origins_.find(call.stream);
    const bool is_outdated = call.kind == Call::look && info.has_value() &&
                             origin != origins_.end() && info->origin_created != 0 &&
                             info->origin_created != origin->second;
    if (!is_outdated) return end_look(call.stream, info);
    this->call({Call::remove, call.stream, 0, now_ + settings_.patience}, "STREAM.DELETE", "");
}

void JetStreamBroker::create(StreamId stream) {
    const auto name = stream_name(stream);
    std::string body;
    if (stream == own_stream) {
        body = stream_request(name, subjects_of_stream(settings_.names), settings_.stream);
    } else {
        const auto& site = settings_.names.others[stream - 1];
        const auto origin = origins_.find(stream);
        if (origin == origins_.end()) {
            return end_look(stream, ApiError{0, "the site " + site.name + " is not reached"});
        }
        const MirrorOf of{stream_of(settings_.names.cluster, site.name), site.domain,
                          origin->second};
        body = mirror_request(name, of, settings_.stream);
    }
    call({Call::create, stream, 0, now_ + settings_.patience}, "STREAM.CREATE", body);
}

void JetStreamBroker::end_look(StreamId stream, const ApiAnswer<StreamInfo>& answer) {
    looking_.erase(stream);
    if (answer.has_error()) return events_->no_stream(stream, sentence(answer.error()));
    events_->stream_is(stream, answer->state);
}

void JetStreamBroker::on_consumer_created(const OpenCall& call, const WireMessage& message) {
    auto& consumer = consumers_[call.stream];
    if (consumer.channel != call.consumer) return;  // it has ended meanwhile; the broker forgets it
    if (message.status != 0) {
        return lose_consumer(call.stream, sentence(refusal_of(message)));
    }
    auto name = read_consumer_created(message.payload);
    if (name.has_error()) return lose_consumer(call.stream, sentence(name.error()));
    consumer.name = *std::move(name);
    consumer.until = now_ + settings_.heartbeat * halves_missed / 2;
}

void JetStreamBroker::on_delivery(StreamId stream, const WireMessage& message) {
    auto& consumer = consumers_[stream];
    // What is on its way when the consumer has its place must not end it early.
    if (!consumer.name.empty()) consumer.until = now_ + settings_.heartbeat * halves_missed / 2;
    if (message.status != 0) return on_control(stream, message);
    const auto place = read_place(message.reply);
    if (!place || place->stream != stream_name(stream)) return;  // a stranger's
    if (place->number != consumer.number + 1) {
        return lose_consumer(stream, "deliveries were lost on the way");
    }
    if (place->sequence != consumer.next) {
        return lose_consumer(stream, "the log does not go on where it was left");
    }
    consumer.number = place->number;
    consumer.next = place->sequence + 1;
    events_->delivered(
        {stream, place->sequence, place->time_ns / ns_per_ms, place->pending, message.payload});
}

// All that was delivered before it has been taken, for it arrives in order.
void JetStreamBroker::on_control(StreamId stream, const WireMessage& message) {
    if (message.status != status_control) {
        return lose_consumer(stream,
                             "the broker has ended it (" + std::to_string(message.status) + ")");
    }
    if (!message.reply.empty()) (void)send(std::string(message.reply), {}, {});
    if (!message.stalled.empty()) (void)send(std::string(message.stalled), {}, {});
    const auto last = lib::parse_number<std::uint64_t>(message.last_consumed);
    if (last && *last > consumers_[stream].number) {
        lose_consumer(stream, "deliveries were lost on the way");
    }
}

void JetStreamBroker::end_consumer(StreamId stream) {
    auto& consumer = consumers_[stream];
    if (consumer.channel == 0) return;
    wire_->unsubscribe(consumer.channel);
    if (!consumer.name.empty()) {
        const auto number = ++numbers_;
        calls_[number] = {Call::forget, stream, 0, now_ + settings_.patience};
        const auto what = stream_name(stream) + "." + consumer.name;
        (void)send(api_subject(settings_.names.domain, "CONSUMER.DELETE", what),
                   inbox_of('j', number), "");
    }
    consumer = {};
}

void JetStreamBroker::lose_consumer(StreamId stream, std::string_view why) {
    end_consumer(stream);
    events_->consumer_lost(stream, why);
}

void JetStreamBroker::expire_calls() {
    const auto is_due = [this](const auto& entry) { return entry.second.until <= now_; };
    for (;;) {
        const auto due = std::find_if(calls_.begin(), calls_.end(), is_due);
        if (due == calls_.end()) return;
        const auto call = due->second;
        calls_.erase(due);
        switch (call.kind) {
            case Call::look_at_origin:
                origins_.erase(call.stream);
                look_here(call.stream);
                break;
            case Call::look:
            case Call::create:
            case Call::remove:
                end_look(call.stream, ApiError{0, std::string(no_answer)});
                break;
            case Call::consume:
                if (consumers_[call.stream].channel == call.consumer)
                    lose_consumer(call.stream, no_answer);
                break;
            case Call::forget:
                break;
        }
    }
}

void JetStreamBroker::expire_silent() {
    const auto take_due = [this](std::map<Token, Instant>& open) -> std::optional<Token> {
        const auto due = std::find_if(open.begin(), open.end(),
                                      [this](const auto& one) { return one.second <= now_; });
        if (due == open.end()) return std::nullopt;
        const auto token = due->first;
        open.erase(due);
        return token;
    };
    while (const auto token = take_due(publications_))
        events_->not_published(*token, no_answer);
    while (const auto token = take_due(asks_))
        events_->not_answered(*token, no_answer);
    for (StreamId stream = 0; stream < consumers_.size(); ++stream) {
        const auto& consumer = consumers_[stream];
        if (consumer.channel != 0 && consumer.until <= now_)
            lose_consumer(stream, "the broker has fallen silent");
    }
}

std::string JetStreamBroker::stream_name(StreamId stream) const {
    if (stream == own_stream) return settings_.names.stream;
    return mirror_of(settings_.names, settings_.names.others[stream - 1]);
}

std::string JetStreamBroker::inbox_of(char kind, std::uint64_t number) const {
    return inbox_ + "." + kind + "." + std::to_string(number);
}

}  // namespace twincached::replication::nats
