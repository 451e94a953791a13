// Whether this node may speak with its number: no other node that lives does. Asked of whoever has
// the number each time that a connection stands, before the engine hears of it; who has it answers.
// Owned by JetStreamBroker; the replication thread alone.
//
//     question and answer    "1 <ms for which it has been held> <identity> <place>"
//
// Whoever is asked decides: a node that has held the number for longer than the asker keeps it and
// says so, any other one gives it up and says nothing. So a stranger who comes first after the
// broker was away does not keep it, and the judgement is one node's alone.
#pragma once

#include "replication/nats/jetstream/broker_session.hpp"
#include "replication/nats/jetstream/wire.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

// What one says of himself who has a number, or wants it.
struct Claimant {
    std::chrono::milliseconds held{0};
    std::uint64_t identity = 0;
    std::string_view place;  // for people
};
std::string claim_text(const Claimant& claimant);
// Nothing: it is none. The place is of the text's, and has letters that a log may show.
std::optional<Claimant> read_claim(std::string_view text) noexcept;

class NumberClaim {
  public:
    using Instant = BrokerSettings::Instant;

    explicit NumberClaim(BrokerSession& session) noexcept : session_(session) {}

    // Another connection stands, and somebody listens to subject() for this.
    void begin();
    void clear() noexcept;
    std::string subject() const;

    void on_question(const WireMessage& message);
    void on_answer(const WireMessage& message);
    void on_timer();
    std::optional<Instant> deadline() const noexcept;

    // Another speaks with the number, which this node had while it stood still or was cut off: it
    // has not held it without a break.
    void yield(std::string_view why);

    bool is_held() const noexcept { return state_ == State::held; }
    // Why it is not this node's, a sentence for people; empty: nothing is known against it.
    const std::string& objection() const noexcept { return objection_; }

  private:
    enum class State : std::uint8_t { idle, asking, held, lost };

    Claimant self() const noexcept;
    void hold();
    void lose(const Claimant& other);

    BrokerSession& session_;
    State state_ = State::idle;
    Instant until_{0};                   // of asking
    std::optional<Instant> held_since_;  // in this node's life, over all connections
    std::string objection_;
};

}  // namespace twincached::replication::nats
