// What this node publishes into its site's stream. Each message has a reply subject of its own, so
// that it counts as stored only when the broker has said so with its sequence. Owned by
// JetStreamBroker; the replication thread alone.
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/jetstream/broker_session.hpp"
#include "replication/nats/jetstream/open_tokens.hpp"
#include "replication/nats/jetstream/wire.hpp"

#include <optional>
#include <string_view>

namespace twincached::replication::nats {

class Publications {
  public:
    explicit Publications(BrokerSession& session) noexcept : session_(session) {}

    // Ends with published or not_published, never within the call. REQUIRES: a connection stands.
    void publish(Token token, std::string_view payload);
    void on_ack(Token token, const WireMessage& message);
    void on_timer();
    std::optional<BrokerSettings::Instant> deadline() const { return open_.deadline(); }
    void clear() noexcept { open_.clear(); }

  private:
    BrokerSession& session_;
    OpenTokens open_;
};

}  // namespace twincached::replication::nats
