// Connects to a broker, for as long as it takes: one server after the other, then a pause that
// grows. All that may block is done here, on a thread of its own; connections that are over end
// here, too. Owned by the link, whose thread, the replication thread, asks; the answers come on the
// dialler's own.
#pragma once

#include "lib/result.hpp"
#include "replication/nats/driver/broker_access.hpp"
#include "replication/nats/driver/intake.hpp"
#include "replication/nats/driver/nats_connection.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace twincached::replication::nats {

class BrokerDialler {
  public:
    // Between two rounds through all servers: short enough that one which is back is found at once.
    static constexpr std::chrono::milliseconds first_pause{50};
    static constexpr std::chrono::milliseconds longest_pause{500};

    // Called on the dialler's thread.
    struct Answers {
        std::function<void(std::unique_ptr<NatsConnection>)> connected;
        std::function<void(const std::string& server, const std::string& why)> failed;
    };
    BrokerDialler(BrokerAccess access, std::shared_ptr<Intake> intake, Answers answers);
    ~BrokerDialler() { stop(); }
    BrokerDialler(const BrokerDialler&) = delete;
    BrokerDialler& operator=(const BrokerDialler&) = delete;

    void start();
    // Blocks for one attempt at most. Harmless if never started.
    void stop() noexcept;

    // From the next attempt on.
    void use(BrokerAccess access);
    // After a pause, until `connected` is answered. Harmless while it is under way.
    void dial(std::chrono::milliseconds pause = {});
    // Ends it; null is nothing.
    void end(std::unique_ptr<NatsConnection> connection);

  private:
    void run();
    bool try_all();
    // Null: it is to stop.
    std::shared_ptr<const BrokerAccess> wanted();

    const std::shared_ptr<Intake> intake_;
    const Answers answers_;
    std::thread thread_;

    std::mutex mutex_;
    std::shared_ptr<const BrokerAccess> access_;
    std::condition_variable asked_;
    bool is_dialling_ = false;
    std::chrono::steady_clock::time_point begins_at_{};  // dialling
    bool is_stopped_ = false;
    std::vector<std::unique_ptr<NatsConnection>> over_;  // one or two: each is followed by a dial
    std::uint64_t connections_ = 0;                      // of the thread alone
};

}  // namespace twincached::replication::nats
