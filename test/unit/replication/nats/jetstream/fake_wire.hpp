// A wire that leads nowhere: it notes what is sent and what is listened to.
#pragma once

#include "replication/nats/jetstream/wire.hpp"

#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

struct Sent {
    std::string subject;
    std::string reply;
    std::string payload;
};

class FakeWire final : public Wire {
  public:
    bool publish(const std::string& subject, const std::string& reply,
                 std::string_view payload) override {
        sent.push_back({subject, reply, std::string(payload)});
        return true;
    }
    bool subscribe(Channel channel, const std::string& subject, const std::string&) override {
        heard[channel] = subject;
        return true;
    }
    void unsubscribe(Channel channel) override { heard.erase(channel); }

    std::deque<Sent> sent;
    std::map<Channel, std::string> heard;
};

}  // namespace twincached::replication::nats
