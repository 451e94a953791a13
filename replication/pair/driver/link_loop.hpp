// The replication thread: sockets, timer and clock around the engine. It tells the engine what
// happens and does what the engine wants done; it decides nothing. Owned by the replicator, whose
// thread, the control thread, starts and stops it; what is marked so is any thread's, the rest is
// the replication thread's own.
//
//     wake, timer, socket, listener, dialler --> Engine --> turn(): actions, one after the other
//
// What finds no memory throws, wherever it is, and ends all connections: start_over().
#pragma once

#include "lib/mutex.hpp"
#include "lib/time/rate_limit.hpp"
#include "replication/pair/driver/driver_addresses.hpp"
#include "replication/pair/driver/link_dialler.hpp"
#include "replication/pair/driver/link_listener.hpp"
#include "replication/pair/driver/link_sockets.hpp"
#include "replication/pair/link/engine.hpp"
#include "replication/replicator.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

namespace twincached::replication::pair {

class LinkLoop final : private LinkListener::Owner, private LinkDialler::Owner {
  public:
    struct Parts {
        const LinkPlaces& places;
        std::string configured_node;                  // a, b; empty: by address
        std::optional<boost::asio::ip::address> own;  // where the link listens; none: everywhere
        bool has_secret = false;
        // Answers wait for the peer: the loop never rests.
        bool answers_wait = false;
        std::shared_ptr<const lib::TlsContext> tls;
        NameResolver::Lookup lookup;
        Addresses peer{};  // as far as they are known
        const Events& events;
    };
    // All that it is given must outlive it.
    LinkLoop(Parts parts, EngineOptions options, ChangeSink& sink);
    ~LinkLoop() override { stop(); }

    // --- the control thread ----------------------------------------------------------------------
    // Before start() and after stop(), for nobody else uses it then.
    Engine& engine() noexcept { return engine_; }
    // Throws std::system_error if the link's port is taken.
    void start();
    // Blocks until the goodbye is said, or for so long. Once.
    void drain(std::chrono::milliseconds limit);
    // Blocks. Harmless if never started.
    void stop() noexcept;
    bool is_running() const noexcept { return thread_.joinable(); }

    // --- any thread ------------------------------------------------------------------------------
    void wake();
    void set_on_split(OnSplit policy);
    void set_arbitration(storage::Arbitration mode);
    void set_legacy(LegacyOptions options);
    void take(Order order);
    void use_secrets(const Secrets& secrets);
    void use_tls(std::shared_ptr<const lib::TlsContext> tls) { sockets_.use_tls(std::move(tls)); }
    LinkReport report() const;
    ExchangeStats exchange_stats() const noexcept { return engine_.exchange().stats(); }

  private:
    void on_call(boost::asio::ip::tcp::socket socket,
                 const boost::asio::ip::address& from) override;
    void on_call_lost(std::string_view why) override;
    bool may_dial(const Addresses& peer) override;
    void on_dialled(boost::asio::ip::tcp::socket socket) override;
    void on_dial_failed(std::string_view why, bool refused) override;

    bool is_from_peer(const boost::asio::ip::address& from) const;
    bool may_call(bool is_from_peer, const boost::asio::ip::address& from);
    void run();
    void serve();
    void start_over() noexcept;
    void turn();
    void perform_all(const storage::Now& instant);
    void perform(Action& action, const storage::Now& instant);
    void arm_timer(const storage::Now& instant);
    void publish(const storage::Now& instant) noexcept;
    storage::Now now() const { return parts_.events.now(); }
    void log(LogLevel level, std::string_view line) const noexcept;

    const Parts parts_;
    boost::asio::io_context context_{1};
    std::thread thread_;
    std::promise<void> drained_;
    std::atomic<bool> woken_{false};
    mutable lib::Mutex report_mutex_;
    LinkReport report_ GUARDED_BY(report_mutex_);

    // --- of the replication thread alone, once it runs
    Engine engine_;
    LinkSockets sockets_;
    LinkListener listener_{context_, *this};
    LinkDialler dialler_;
    boost::asio::steady_timer timer_{context_};
    std::optional<Instant> timer_at_;
    std::vector<Action> actions_;
    std::size_t performed_ = 0;  // so many of them are done
    LinkState published_state_ = LinkState::listening;
    Instant published_at_{0};
    // Where open files are wanting, they are for as long as nobody gives any back.
    lib::RateLimit lost_call_lines_{1, std::chrono::minutes(1)};
    std::uint64_t lost_calls_ = 0;  // since the last such line
};

}  // namespace twincached::replication::pair
