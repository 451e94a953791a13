// The broker as the replication thread sees it: one connection at a time, which is made anew when
// it ends, and JetStream spoken over it. It brings what other threads tell to the replication
// thread; it decides nothing. Owned by the loop; the replication thread alone, but for what is
// marked.
//
//     dialler's thread -- connection --> post --.
//     threads of libnats -- Intake ----> post --+--> JetStreamBroker --> BrokerEvents
#pragma once

#include "replication/nats/driver/broker_access.hpp"
#include "replication/nats/driver/broker_dialler.hpp"
#include "replication/nats/driver/intake.hpp"
#include "replication/nats/driver/nats_connection.hpp"
#include "replication/nats/jetstream/jetstream_broker.hpp"
#include "replication/replicator.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::nats {

struct LinkFacts {
    std::string server;             // empty: none is connected
    std::uint64_t connections = 0;  // that this node took part over, since the start
    // Why it could not be used, the last time; stays while a connection stands over which JetStream
    // says nothing, as over the one before.
    std::string last_refusal;
    std::string denial;  // what the server said last that this node's user may not do
};

class BrokerLink {
  public:
    using Instant = JetStreamBroker::Instant;
    // Whoever is told; around everything that happens stand before() and after().
    class Owner {
      public:
        virtual ~Owner() = default;
        virtual Instant before() = 0;
        virtual void after() = 0;
        virtual void log(LogLevel level, std::string_view line) = 0;
    };

    // All that it is given must outlive it.
    BrokerLink(boost::asio::io_context& context, BrokerAccess access,
               JetStreamBroker::Settings settings, Owner& owner);
    ~BrokerLink() { stop(); }
    BrokerLink(const BrokerLink&) = delete;
    BrokerLink& operator=(const BrokerLink&) = delete;

    JetStreamBroker& broker() noexcept { return broker_; }
    const LinkFacts& facts() const noexcept { return facts_; }

    // The control thread, before the replication thread runs and after it has ended.
    void start(BrokerEvents& events);
    void stop() noexcept;

    // From now on. A connection that stands goes on, if its server is still one of those. Inside of
    // before() and after().
    void use(BrokerAccess access);
    // When broker().deadline() has come. Inside of before() and after().
    void on_timer(Instant now);
    // Begins again with another connection. Inside of before() and after().
    void drop(std::string_view why) { end(why, false); }
    // The same after something was left half done for want of memory.
    void start_over();

  private:
    // Any thread: on the replication thread, unless the link is gone by then.
    void post(std::function<void()> what);
    void take();
    void on_connected(std::unique_ptr<NatsConnection> connection);
    void on_failed(const std::string& server, const std::string& why);
    // It has ended by itself.
    void lose(std::string_view why);
    void end(std::string_view why, bool is_known);
    void check();
    void check_denial(Instant now);
    void renew(Instant now);
    void note_connection();
    void note_use();
    void refuse();
    bool is_news(const std::string& server, const std::string& why);
    bool is_one_of_ours(const std::string& server) const;

    boost::asio::io_context& context_;
    const std::shared_ptr<const bool> life_ = std::make_shared<const bool>(true);
    Owner& owner_;
    JetStreamBroker broker_;
    const std::shared_ptr<Intake> intake_;
    std::unique_ptr<NatsConnection> connection_;  // null: none stands
    LinkFacts facts_;
    std::vector<std::string> servers_;
    const std::string inbox_prefix_;
    std::map<std::string, std::string> told_;  // by server, why it could not be used
    std::string denied_;                       // what was told of that this node may not do
    Instant denied_at_{0};                     // when it was
    std::optional<Instant> renew_at_;          // because a subscription was refused
    std::chrono::milliseconds pause_{0};       // before another is dialled
    bool is_hanging_ = false;                  // JetStream said nothing over the last connection
    bool lacks_tellings_ = false;              // and what was is no more than that
    BrokerDialler dialler_;
};

}  // namespace twincached::replication::nats
