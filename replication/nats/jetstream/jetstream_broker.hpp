// The Broker that JetStream is. What the engine asks becomes messages on a Wire, what arrives there
// becomes events. Every publication has a reply subject of its own, so that it counts as stored
// only when the broker has said so with its sequence. No thread, no socket; the replication thread
// alone. Owned by the driver, which outlives nothing that it hands in.
//
//     <inbox>.p.<token>   answers to what was published     <inbox>.j.<number>   of JetStream's API
//     <inbox>.a.<token>   answers to what was asked         <inbox>.q.-          what is said to
//     one <inbox>.<number>    what a consumer is given                               who has
//     replied
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/jetstream/api.hpp"
#include "replication/nats/jetstream/names.hpp"
#include "replication/nats/jetstream/wire.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::nats {

class JetStreamBroker final : public Broker {
  public:
    // On the node's own monotonic clock.
    using Instant = std::chrono::milliseconds;

    struct Settings {
        Names names;
        StreamSettings stream;
        // What is not answered after so long will not be. A broker that elects a leader says so at
        // once; one that is cut off says nothing.
        Instant patience{2000};
        Instant heartbeat{500};  // of consumers without messages; the broker wants 100 at least
    };
    // What is open at one time; what is asked beyond it is not answered.
    static constexpr std::size_t asks_limit = 256;
    static constexpr std::size_t calls_limit = 64;

    explicit JetStreamBroker(Settings settings);

    // Before anything else: who is told, and must outlive it.
    void attach(BrokerEvents& events) noexcept { events_ = &events; }

    // --- told by the driver ----------------------------------------------------------------------
    // A connection stands, and it is the only one; `inbox` is a subject that no other one has.
    void on_connected(Wire& wire, std::size_t max_payload, std::string inbox, Instant now);
    void on_disconnected(std::string_view why);
    void on_message(const WireMessage& message, Instant now);
    // Also whenever the engine was called: what it asked that cannot be is told from here.
    void on_timer(Instant now);
    // When on_timer is due; none: never.
    std::optional<Instant> deadline() const;

    bool is_connected() const noexcept { return wire_ != nullptr; }
    const Names& names() const noexcept { return settings_.names; }

    // --- Broker ----------------------------------------------------------------------------------
    void look(StreamId stream) override;
    void publish(Token token, std::string_view payload) override;
    void consume(StreamId stream, Sequence from) override;
    void stop_consuming(StreamId stream) override;
    void serve(std::string_view subject, bool whether) override;
    void ask(Token token, std::string_view subject, std::string_view payload) override;
    void reply(std::string_view to, std::string_view payload) override;
    void tell(std::string_view subject, std::string_view payload) override;

  private:
    enum class Call : std::uint8_t { look, look_at_origin, create, remove, consume, forget };
    struct OpenCall {
        Call kind{};
        StreamId stream = own_stream;
        Channel consumer = 0;  // of Call::consume
        Instant until{0};
    };
    struct Consumer {
        Channel channel = 0;  // 0: nothing is consumed
        std::string name;     // by the broker; empty: it has not said it yet
        Sequence next = 1;
        std::uint64_t number = 0;  // of the last delivery
        Instant until{0};          // silence ends it
    };

    bool send(const std::string& subject, const std::string& reply, std::string_view payload);
    void call(OpenCall call, std::string_view what, std::string_view body);
    void on_answer(std::string_view tail, const WireMessage& message);
    void on_publish_ack(Token token, const WireMessage& message);
    void on_ask_answer(Token token, const WireMessage& message);
    void on_api_answer(std::uint64_t number, const WireMessage& message);
    void on_origin(StreamId stream, const WireMessage& message);
    void on_looked(const OpenCall& call, const WireMessage& message);
    void on_consumer_created(const OpenCall& call, const WireMessage& message);
    void on_delivery(StreamId stream, const WireMessage& message);
    void on_control(StreamId stream, const WireMessage& message);
    void create(StreamId stream);
    void look_here(StreamId stream);
    void end_look(StreamId stream, const ApiAnswer<StreamInfo>& answer);
    void end_consumer(StreamId stream);
    void lose_consumer(StreamId stream, std::string_view why);
    void expire_calls();
    void expire_silent();
    std::string stream_name(StreamId stream) const;
    std::string inbox_of(char kind, std::uint64_t number) const;
    bool is_known(StreamId stream) const noexcept { return stream < consumers_.size(); }

    const Settings settings_;
    BrokerEvents* events_ = nullptr;

    // --- of the connection that stands
    Wire* wire_ = nullptr;  // null: none stands
    std::size_t max_payload_ = 0;
    std::string inbox_;
    Instant now_{0};
    std::uint64_t numbers_ = 0;              // given to calls and channels
    std::map<Token, Instant> publications_;  // until when an answer is waited for
    std::map<Token, Instant> asks_;
    std::map<std::uint64_t, OpenCall> calls_;
    std::map<std::string, Channel, std::less<>> served_;
    std::set<StreamId> looking_;
    std::map<StreamId, std::int64_t>
        origins_;                      // of mirrors: when their origin was created, if known
    std::vector<Consumer> consumers_;  // by StreamId
    std::vector<std::function<void()>> later_;  // what no call of the engine's may be told within
};

}  // namespace twincached::replication::nats
