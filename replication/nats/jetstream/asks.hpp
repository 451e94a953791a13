// What this node asks of any other one. An ask stays open for as long as answers come. Owned by
// JetStreamBroker; the replication thread alone.
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/jetstream/broker_session.hpp"
#include "replication/nats/jetstream/open_tokens.hpp"
#include "replication/nats/jetstream/wire.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace twincached::replication::nats {

class Asks {
  public:
    // Open at one time; what is asked beyond it is not answered.
    static constexpr std::size_t limit = 256;

    explicit Asks(BrokerSession& session) noexcept : session_(session) {}

    // Ends with not_answered, never within the call. REQUIRES: a connection stands.
    void ask(Token token, std::string_view subject, std::string_view payload);
    void on_answer(Token token, const WireMessage& message);
    void on_timer();
    std::optional<BrokerSettings::Instant> deadline() const { return open_.deadline(); }
    void clear() noexcept { open_.clear(); }

  private:
    BrokerSession& session_;
    OpenTokens open_;
};

}  // namespace twincached::replication::nats
