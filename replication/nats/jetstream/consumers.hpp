// The consumers through which this node reads its streams, one of each at most. The broker pushes
// and numbers its deliveries; a number that is missing, a sequence that is not the next one, or
// silence ends the consumer, and whoever reads begins another where it was left. Owned by
// JetStreamBroker; the replication thread alone.
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/jetstream/api_calls.hpp"
#include "replication/nats/jetstream/broker_session.hpp"
#include "replication/nats/jetstream/wire.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::nats {

class Consumers {
  public:
    using Instant = BrokerSettings::Instant;

    Consumers(BrokerSession& session, ApiCalls& calls);

    // REQUIRES, of both: a connection stands, and the stream is known.
    void consume(StreamId stream, Sequence from);
    void stop(StreamId stream);

    // False: the channel is no consumer's.
    bool on_message(const WireMessage& message);
    void on_timer();
    std::optional<Instant> deadline() const;
    // All are gone with the connection.
    void clear();

  private:
    struct Consumer {
        Channel channel = 0;  // 0: nothing is consumed
        ApiCalls::Number creation = 0;
        std::string name;  // by the broker; empty: it has not said it yet
        Sequence next = 1;
        std::uint64_t number = 0;  // of the last delivery
        Instant until{0};          // silence ends it
    };

    void on_created(StreamId stream, const ApiCalls::Answer& answer);
    void on_delivery(StreamId stream, const WireMessage& message);
    void on_control(StreamId stream, const WireMessage& message);
    void lose(StreamId stream, std::string_view why);
    Instant silence_ends() const noexcept;

    BrokerSession& session_;
    ApiCalls& calls_;
    std::vector<Consumer> consumers_;  // by StreamId
};

}  // namespace twincached::replication::nats
