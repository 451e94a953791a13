// The Broker that JetStream is. What the engine asks becomes messages on a Wire, what arrives there
// becomes events; which of its parts each message is for is decided here. No thread, no socket; the
// replication thread alone. Owned by the driver, which outlives nothing that it hands in.
//
//     look ----------> StreamFinder --.                       .-- what is served, asked, told
//     consume -------> Consumers -----+--> ApiCalls --.       |
//     publish -------> Publications ------------------+--> BrokerSession --> Wire
//     ask -----------> Asks --------------------------+
//                      NumberClaim -------------------'   before any of these may be asked
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/jetstream/api_calls.hpp"
#include "replication/nats/jetstream/asks.hpp"
#include "replication/nats/jetstream/broker_session.hpp"
#include "replication/nats/jetstream/broker_settings.hpp"
#include "replication/nats/jetstream/consumers.hpp"
#include "replication/nats/jetstream/names.hpp"
#include "replication/nats/jetstream/number_claim.hpp"
#include "replication/nats/jetstream/publications.hpp"
#include "replication/nats/jetstream/stream_finder.hpp"
#include "replication/nats/jetstream/wire.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

class JetStreamBroker final : public Broker {
  public:
    using Settings = BrokerSettings;
    using Instant = BrokerSettings::Instant;

    explicit JetStreamBroker(Settings settings);
    // Its parts know each other by their places.
    JetStreamBroker(const JetStreamBroker&) = delete;
    JetStreamBroker& operator=(const JetStreamBroker&) = delete;

    // Before anything else: who is told, and must outlive it.
    void attach(BrokerEvents& events) noexcept { session_.attach(events); }

    // --- told by the driver ----------------------------------------------------------------------
    // A connection stands, and it is the only one; `inbox` is a subject that no other one has. The
    // engine hears of it once it is clear that no other node has this one's number.
    void on_connected(Wire& wire, std::size_t max_payload, std::string inbox, Instant now);
    void on_disconnected(std::string_view why);
    void on_message(const WireMessage& message, Instant now);
    // Also whenever the engine was called: what it asked that cannot be is told from here.
    void on_timer(Instant now);
    // When on_timer is due; none: never.
    std::optional<Instant> deadline() const;

    // The engine has heard of the connection.
    bool is_admitted() const noexcept { return is_admitted_; }
    // Why this node may say nothing over this connection, which is to end; empty: it may.
    const std::string& objection() const noexcept { return claim_.objection(); }
    // Something came to where this node is answered, over this connection.
    bool is_answered() const noexcept { return is_answered_; }
    // JetStream itself has said something, or the server in its place, over this connection.
    bool is_jetstream_heard() const noexcept { return is_jetstream_heard_; }
    // Subscribes once more to what others tell all, which the server may have refused.
    void hear_tellings_again();
    const Names& names() const noexcept { return session_.names(); }

    // --- Broker ----------------------------------------------------------------------------------
    void look(StreamId stream) override;
    void publish(Token token, std::string_view payload) override;
    void consume(StreamId stream, Sequence from) override;
    void stop_consuming(StreamId stream) override;
    void serve(std::string_view subject, bool whether) override;
    void ask(Token token, std::string_view subject, std::string_view payload) override;
    void reply(std::string_view to, std::string_view payload) override;
    void tell(std::string_view subject, std::string_view payload) override;
    void yield_number(std::string_view why) override { claim_.yield(why); }

  private:
    bool can_read(StreamId stream) const noexcept;
    void admit();
    bool hear_tellings();
    void on_telling(const WireMessage& message);
    void on_question(const WireMessage& message);
    void on_inbox(const WireMessage& message);

    BrokerSession session_;
    ApiCalls calls_{session_};
    StreamFinder streams_{session_, calls_};
    Consumers consumers_{session_, calls_};
    Publications publications_{session_};
    Asks asks_{session_};
    NumberClaim claim_{session_};
    std::size_t max_payload_ = 0;
    bool is_admitted_ = false;
    bool is_answered_ = false;
    bool is_jetstream_heard_ = false;
    std::map<std::string, Channel, std::less<>> served_;
};

}  // namespace twincached::replication::nats
