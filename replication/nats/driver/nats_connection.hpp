// One connection to one broker, over libnats. It does not reconnect: whoever owns it makes another,
// so that nothing that was meant for one connection leaves through the next. libnats' threads only
// push into the intake. Opened and closed on the dialler's thread, for both may block; between the
// two it is the replication thread's.
#pragma once

#include "lib/result.hpp"
#include "replication/nats/driver/broker_access.hpp"
#include "replication/nats/driver/intake.hpp"
#include "replication/nats/driver/listening.hpp"
#include "replication/nats/jetstream/wire.hpp"

#include <nats/nats.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

class NatsConnection final : public Wire {
  public:
    // What libnats holds back for one subscription; more is dropped, which the gap tells.
    static constexpr int pending_messages_limit = 1 << 16;
    static constexpr int pending_bytes_limit = 64 << 20;
    // Subscriptions that have ended and are kept for a while.
    static constexpr std::size_t ended_most = 64;

    // Blocks for a second or so. `number`: what its arrivals carry. The error is a sentence that
    // names no secret.
    static lib::Parsed<std::unique_ptr<NatsConnection>> open(const BrokerAccess& access,
                                                             const std::string& server,
                                                             std::shared_ptr<Intake> intake,
                                                             std::uint64_t number);
    // Blocks until libnats has let go of its socket.
    ~NatsConnection() override;
    NatsConnection(const NatsConnection&) = delete;
    NatsConnection& operator=(const NatsConnection&) = delete;

    bool publish(const std::string& subject, const std::string& reply,
                 std::string_view payload) override;
    bool subscribe(Channel channel, const std::string& subject, const std::string& queue) override;
    void unsubscribe(Channel channel) override;

    std::uint64_t number() const noexcept { return number_; }
    std::size_t max_payload() const noexcept;
    // "host:port" of the broker.
    const std::string& server() const noexcept { return server_; }
    bool is_closed() const noexcept { return natsConnection_IsClosed(connection_); }
    // Something could not be sent: it is as good as ended.
    bool has_failed() const noexcept { return !failure_.empty(); }
    const std::string& failure() const noexcept { return failure_; }
    // What the broker said last that this node's user may not do; empty: nothing.
    std::string denial() const { return denial_->text(); }

  private:
    struct SubscriptionDeleter {
        void operator()(natsSubscription* one) const noexcept { natsSubscription_Destroy(one); }
    };
    using Subscription = std::unique_ptr<natsSubscription, SubscriptionDeleter>;
    struct Subscribed {
        Listening listening;
        Subscription subscription;
    };

    NatsConnection(natsConnection* connection, std::string server, std::shared_ptr<Intake> intake,
                   std::shared_ptr<const Denial> denial, std::uint64_t number, Listening listening);
    bool is_well(natsStatus status);

    natsConnection* const connection_;
    const std::string server_;
    const std::shared_ptr<Intake> intake_;
    const std::shared_ptr<const Denial> denial_;
    const std::uint64_t number_;
    const Listening listening_;
    std::map<Channel, Subscribed> subscriptions_;
    std::deque<Subscription> ended_;
    std::string failure_;
};

// What libnats hands over, as JetStreamBroker reads it; valid for as long as the message.
WireMessage message_of(Channel channel, natsMsg& message);

}  // namespace twincached::replication::nats
