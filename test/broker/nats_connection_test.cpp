#include "replication/nats/driver/nats_connection.hpp"
#include "test/broker/nats_server.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>

namespace twincached::broker {
namespace {

using namespace twincached::replication::nats;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

std::unique_ptr<NatsConnection> connect(const NatsServer& server, std::shared_ptr<Intake> intake,
                                        std::uint64_t number) {
    BrokerAccess access;
    access.servers = {server.url()};
    auto made = NatsConnection::open(access, server.url(), std::move(intake), number);
    REQUIRE_FALSE(made.has_error());
    return *std::move(made);
}

// Says the same thing as often as it is asked to, on a connection of its own. It is so long that
// libnats' reading thread is most of the time about to hand it over.
class Speaker {
  public:
    Speaker(const NatsServer& server, std::string subject)
        : connection_(connect(server, std::make_shared<Intake>([] {}), 2)),
          thread_([this, subject = std::move(subject)] {
              const std::string word(256 << 10, 'w');
              for (asked_.acquire(); !is_over_; asked_.acquire())
                  (void)connection_->publish(subject, {}, word);
          }) {}
    ~Speaker() {
        is_over_ = true;
        asked_.release();
        thread_.join();
    }

    void say(int times) { asked_.release(times); }

  private:
    const std::unique_ptr<NatsConnection> connection_;
    std::atomic<bool> is_over_{false};
    std::counting_semaphore<> asked_{0};
    std::thread thread_;
};

}  // namespace

TEST_CASE("a subscription may end while messages arrive for it, as often as it likes") {
    NatsServer server;
    auto intake = std::make_shared<Intake>([] {});
    const auto connection = connect(server, intake, 1);
    Speaker speaker(server, "said");
    // Under a sanitizer a message takes ten times as long, and one use too late is seen at once.
    constexpr Channel rounds = TWINCACHED_SANITIZED ? 50 : 500;
    for (Channel channel = 1; channel <= rounds; ++channel) {
        const auto until = steady_clock::now() + seconds(60);
        REQUIRE(connection->subscribe(channel, "said", {}));
        auto say_at = steady_clock::now();
        for (bool has_heard = false; !has_heard;) {
            const auto now = steady_clock::now();
            // What was said before the broker knew of the subscription is not heard. Never more
            // than the broker holds back for one that hears slowly: it would end the connection.
            if (now >= say_at) {
                speaker.say(16);
                say_at = now + milliseconds(500);
            }
            const auto arrival = intake->take();
            has_heard = arrival && arrival->message && arrival->channel == channel;
            if (arrival) continue;
            if (now > until) FAIL("nothing arrives any more");
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
