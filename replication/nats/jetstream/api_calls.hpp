// What JetStream was asked and has not answered yet. Whoever calls says what is to follow, and that
// follows once: with the answer, or with why there is none. Owned by JetStreamBroker; the
// replication thread alone.
#pragma once

#include "replication/nats/jetstream/api.hpp"
#include "replication/nats/jetstream/broker_session.hpp"
#include "replication/nats/jetstream/wire.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

class ApiCalls {
  public:
    using Instant = BrokerSettings::Instant;
    using Number = std::uint64_t;  // of a call; 0 is none's
    // The answer's JSON, valid for as long as the call lasts. It may hold a refusal, too.
    using Answer = ApiAnswer<std::string_view>;
    using Then = std::function<void(const Answer&)>;

    struct Request {
        std::string_view domain;
        std::string_view what;  // "STREAM.INFO"
        std::string_view of;    // a stream, a stream and its consumer
        std::string_view body{};
    };

    explicit ApiCalls(BrokerSession& session) noexcept : session_(session) {}

    // `then` may call again. Whoever calls has one call open for each thing that it does: there is
    // no other limit.
    Number call(const Request& request, Then then);
    // Whatever becomes of it.
    void tell(const Request& request);
    // Nothing follows any more. Harmless if it was answered.
    void give_up(Number number) { open_.erase(number); }

    void on_answer(Number number, const WireMessage& message);
    // Those that are due were not answered.
    void on_timer();
    std::optional<Instant> deadline() const;
    // Nothing follows of any.
    void clear() { open_.clear(); }

  private:
    struct Open {
        Then then;
        std::string domain;
        Instant until{0};
    };
    void send(const Request& request, Number number);

    BrokerSession& session_;
    std::map<Number, Open> open_;
};

}  // namespace twincached::replication::nats
