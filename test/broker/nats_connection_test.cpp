#include "replication/nats/driver/nats_connection.hpp"
#include "test/broker/nats_server.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace twincached::broker {
namespace {

using namespace twincached::replication::nats;

std::unique_ptr<NatsConnection> connect(const NatsServer& server, std::shared_ptr<Intake> intake,
                                        std::uint64_t number) {
    BrokerAccess access;
    access.servers = {server.url()};
    auto made = NatsConnection::open(access, server.url(), std::move(intake), number);
    REQUIRE_FALSE(made.has_error());
    return *std::move(made);
}

// Says the same thing all the time, on a connection of its own. It is so long that libnats' reading
// thread is most of the time about to hand it over.
class Speaker {
  public:
    Speaker(const NatsServer& server, std::string subject)
        : connection_(connect(server, std::make_shared<Intake>([] {}), 2)),
          thread_([this, subject = std::move(subject)] {
              const std::string word(256 << 10, 'w');
              while (!is_over_)
                  (void)connection_->publish(subject, {}, word);
          }) {}
    ~Speaker() {
        is_over_ = true;
        thread_.join();
    }

  private:
    const std::unique_ptr<NatsConnection> connection_;
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

}  // namespace

TEST_CASE("a subscription may end while messages arrive for it, as often as it likes") {
    NatsServer server;
    auto intake = std::make_shared<Intake>([] {});
    const auto connection = connect(server, intake, 1);
    const Speaker speaker(server, "said");
    // Under a sanitizer a message takes ten times as long, and one use too late is seen at once.
    constexpr Channel rounds = TWINCACHED_SANITIZED ? 50 : 500;
    for (Channel channel = 1; channel <= rounds; ++channel) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        REQUIRE(connection->subscribe(channel, "said", {}));
        for (bool has_heard = false; !has_heard;) {
            const auto arrival = intake->take();
            has_heard = arrival && arrival->message && arrival->channel == channel;
            if (arrival) continue;
            if (std::chrono::steady_clock::now() > until) FAIL("nothing arrives any more");
            std::this_thread::yield();
        }
        connection->unsubscribe(channel);
    }
    CHECK_FALSE(connection->is_closed());
    CHECK_FALSE(connection->has_failed());
    // Its threads may push until it has ended.
    intake->close();
}

}  // namespace twincached::broker
