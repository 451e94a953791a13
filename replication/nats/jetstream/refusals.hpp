// Why something was not taken or not answered, in words for people. Pure; any thread.
#pragma once

#include "replication/nats/jetstream/api.hpp"
#include "replication/nats/jetstream/wire.hpp"

#include <string>
#include <string_view>

namespace twincached::replication::nats {

inline constexpr std::string_view no_answer = "the broker does not answer";
inline constexpr std::string_view too_long = "it is longer than the broker takes";

// What the broker says in the place of whoever was asked. REQUIRES: the message has a status.
ApiError refusal_of(const WireMessage& message);
// The same of what the JetStream domain `domain` was asked, which may be called otherwise there;
// empty: the broker's only one was asked.
ApiError refusal_of(const WireMessage& message, std::string_view domain);
std::string sentence(const ApiError& error);

}  // namespace twincached::replication::nats
