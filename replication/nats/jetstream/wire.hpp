// What JetStream is spoken over: one connection to a broker, as its messages see it. No thread, no
// socket. What is asked of it returns at once; what arrives is handed to JetStreamBroker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

// Which of this connection's subscriptions a message came through; chosen by the subscriber.
using Channel = std::uint64_t;

// A message from the broker. Its texts live for as long as the call that hands it over.
struct WireMessage {
    Channel channel = 0;
    std::string_view subject;
    std::string_view reply;  // where an answer would go; empty: nobody waits for one
    std::string_view payload;
    int status = 0;                  // of the broker's own, as HTTP has them; 0: it is none
    std::string_view last_consumed;  // of a heartbeat: the last number given to this consumer
    std::string_view stalled;        // of a heartbeat: whose answer lets the flow go on; or empty
};

inline constexpr int status_control = 100;        // a heartbeat, or a question of flow control
inline constexpr int status_no_responders = 503;  // nobody listens there

class Wire {
  public:
    virtual ~Wire() = default;
    // False: it was not taken, and the connection is as good as lost. `reply` may be empty.
    virtual bool publish(const std::string& subject, const std::string& reply,
                         std::string_view payload) = 0;
    // Empty queue: this node hears all of it; else one of those in the queue is chosen.
    virtual bool subscribe(Channel channel, const std::string& subject,
                           const std::string& queue) = 0;
    virtual void unsubscribe(Channel channel) = 0;
};

}  // namespace twincached::replication::nats
