// What was sent under a token and waits for an answer, each until a time of its own. Sans-I/O; its
// owner alone.
#pragma once

#include "lib/function_ref.hpp"
#include "replication/nats/broker.hpp"
#include "replication/nats/jetstream/broker_settings.hpp"
#include "replication/nats/jetstream/refusals.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string_view>

namespace twincached::replication::nats {

class OpenTokens {
  public:
    using Instant = BrokerSettings::Instant;

    // `why`: what is said of it if nothing comes until then; must live for ever.
    void open(Token token, Instant until, std::string_view why = no_answer) {
        open_[token] = {until, why};
    }
    // It is answered; false: it was not open.
    bool close(Token token) { return open_.erase(token) != 0; }
    bool is_open(Token token) const { return open_.contains(token); }
    std::size_t count() const noexcept { return open_.size(); }
    void clear() noexcept { open_.clear(); }

    // Ends those that are due; `tell` may open others, which are left for the next time.
    void expire(Instant now, lib::FunctionRef<void(Token, std::string_view why)> tell);
    std::optional<Instant> deadline() const;

  private:
    struct Open {
        Instant until{0};
        std::string_view why;
    };
    std::map<Token, Open> open_;
};

}  // namespace twincached::replication::nats
