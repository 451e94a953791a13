// What a node of a cluster may be told by a broker, or by whoever may publish there: acks, answers
// of JetStream's API, deliveries, heartbeats, claims to its number. Whatever comes, it neither
// crashes nor leaks, tells the engine only of what was asked, delivers in order and without a gap,
// and lets no question wait for ever.
//
//     piece: 1 what it is, 1 status, 1 length of the subject's end, 2 length of the payload, both
#include "replication/nats/jetstream/jetstream_broker.hpp"
#include "test/fuzz/demand.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace twincached::replication::nats;

namespace {

class DeafWire final : public Wire {
  public:
    bool publish(const std::string&, const std::string& reply, std::string_view) override {
        if (!reply.empty()) replies.push_back(reply);
        if (replies.size() > 64) replies.erase(replies.begin());
        return true;
    }
    bool subscribe(Channel channel, const std::string& subject, const std::string&) override {
        heard[channel] = subject;
        return true;
    }
    void unsubscribe(Channel channel) override { heard.erase(channel); }

    std::vector<std::string> replies;  // to what was asked last
    std::map<Channel, std::string> heard;
};

// Checks that what is told makes sense, and asks on, as an engine does.
class Engine final : public BrokerEvents {
  public:
    explicit Engine(JetStreamBroker& broker) : broker_(broker) {}

    void connected(std::size_t) override { look(own_stream); }
    void disconnected(std::string_view) override {}
    void stream_is(StreamId stream, const StreamState& state) override {
        demand(looking_[stream], "no stream is told that was not looked for");
        looking_[stream] = false;
        next_[stream] = std::max<Sequence>(state.first, 1);
        broker_.consume(stream, next_[stream]);
        if (stream == own_stream) look(1);
    }
    void no_stream(StreamId stream, std::string_view why) override {
        demand(looking_[stream] && !why.empty(), "a stream that is not there was looked for");
        looking_[stream] = false;
    }
    void published(Token token, Sequence sequence) override {
        demand(token == publishing_ && sequence != 0, "an ack is of what was published");
        publishing_ = 0;
    }
    void not_published(Token token, std::string_view why) override {
        demand(token == publishing_ && !why.empty(), "what is refused was published");
        publishing_ = 0;
    }
    void delivered(const Delivery& delivery) override {
        // The log may lack something: whoever reads it sees that.
        demand(delivery.sequence >= next_[delivery.stream], "deliveries come in order");
        next_[delivery.stream] = delivery.sequence + 1;
    }
    void reading(StreamId) override {}
    void consumer_lost(StreamId stream, std::string_view) override { look(stream); }
    void asked(std::string_view, std::string_view payload, std::string_view to) override {
        broker_.reply(to, payload);
    }
    void answered(Token token, std::string_view, std::string_view to) override {
        demand(token == asking_, "an answer is to what was asked");
        broker_.reply(to, "thanks");
    }
    void not_answered(Token token, std::string_view why) override {
        demand(token == asking_ && !why.empty(), "what has no answer was asked");
        asking_ = 0;
    }
    void told(std::string_view subject, std::string_view) override {
        demand(!subject.empty(), "what is told has a subject");
    }

    void go_on() {
        if (!broker_.is_admitted()) return;
        if (publishing_ == 0) broker_.publish(publishing_ = ++token_, "batch");
        if (asking_ == 0) broker_.ask(asking_ = ++token_, "donor", "anybody?");
        // The mirror is looked for when the own stream is there.
        const StreamId stream = next_[own_stream] == 0 ? own_stream : 1;
        if (!looking_[stream] && next_[stream] == 0) look(stream);
    }
    bool waits() const { return publishing_ != 0 || asking_ != 0 || looking_[0] || looking_[1]; }

  private:
    void look(StreamId stream) {
        looking_[stream] = true;
        broker_.look(stream);
    }

    JetStreamBroker& broker_;
    Token token_ = 0;
    Token publishing_ = 0;
    Token asking_ = 0;
    bool looking_[2] = {};
    Sequence next_[2] = {};
};

JetStreamBroker::Settings settings() {
    JetStreamBroker::Settings settings;
    settings.names = {"web", "paris", "MC_web_paris", "P", 1, {{"rome", "R"}}};
    settings.identity = 7;
    settings.place = "here";
    return settings;
}

class Connection {
  public:
    Connection() : engine_(broker_) {
        broker_.attach(engine_);
        broker_.on_connected(wire_, 1000, "_INBOX.me", at_);
    }

    // The lower two bits of its kind say where it arrives, the others at which of these.
    void hear(std::uint8_t kind, int status, std::string_view end, std::string_view payload) {
        WireMessage message;
        message.payload = payload;
        message.status = status;
        const std::size_t which = kind / 4U;
        std::string subject;
        std::string reply(end);
        if (kind % 4 == 0 && !wire_.replies.empty()) {  // 0 is what was asked last
            subject = wire_.replies[wire_.replies.size() - 1 - which % wire_.replies.size()];
            message.channel = 1;
        } else if (kind % 4 == 3) {
            auto place = wire_.heard.begin();
            std::advance(place, which % wire_.heard.size());
            message.channel = place->first;
            subject = place->second.substr(0, place->second.find_first_of("*>")) + reply;
        } else {
            message.channel = consumer(which);
            if (kind % 4 == 1) reply = "$JS.ACK." + stream_of_consumer(which) + ".c.1." + reply;
            if (kind % 4 == 2) message.last_consumed = end;
        }
        message.subject = subject;
        message.reply = reply;
        broker_.on_message(message, at_);
    }
    void wait(std::uint8_t hundreds) {
        at_ += std::chrono::milliseconds(hundreds * 100);
        broker_.on_timer(at_);
    }
    void go_on() { engine_.go_on(); }

    // Everything that was asked comes to its end.
    void finish() {
        for (int i = 0; i < 16; ++i)
            wait(25);
        demand(!engine_.waits() || !broker_.is_admitted() || broker_.deadline().has_value(),
               "what waits has a deadline");
        broker_.on_disconnected("the end");
        demand(!broker_.deadline(), "nothing waits without a connection");
    }

  private:
    static std::string stream_of_consumer(std::size_t which) {
        return which % 2 == 0 ? "MC_web_paris" : "MC_web_rome_AT_paris";
    }
    // 0, which is nobody's, while nothing is consumed.
    Channel consumer(std::size_t which) const {
        std::vector<Channel> found;
        for (const auto& [channel, subject] : wire_.heard)
            if (subject == "_INBOX.me." + std::to_string(channel)) found.push_back(channel);
        return found.empty() ? 0 : found[which % found.size()];
    }

    JetStreamBroker::Instant at_{1000};
    DeafWire wire_;
    JetStreamBroker broker_{settings()};
    Engine engine_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    Connection connection;
    if (size % 8 != 0) connection.wait(5);  // nobody has its number
    while (input.size() > 5) {
        const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(input[i]); };
        const auto kind = byte(0);
        const int status = byte(1) < 8 ? 503 : byte(1) < 16 ? status_control : 0;
        const auto end = std::min<std::size_t>(byte(2), input.size() - 5);
        const auto payload =
            std::min<std::size_t>(byte(3) + 256U * (byte(4) & 3U), input.size() - 5 - end);
        connection.go_on();
        if (kind == 255) {
            connection.wait(byte(1));
        } else {
            connection.hear(kind, status, input.substr(5, end), input.substr(5 + end, payload));
        }
        input.remove_prefix(5 + end + payload);
    }
    connection.finish();
    return 0;
}
