// One thread that serves clients, with everything that its sessions share. Owned by IoPool.
#pragma once

#include "app/sessions/datagram_server.hpp"
#include "app/sessions/io_pool_options.hpp"
#include "app/sessions/session_buffers.hpp"
#include "app/sessions/session_poller.hpp"
#include "app/sessions/session_registry.hpp"
#include "app/sessions/watching_sessions.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace twincached::app {

class IoThread {
  public:
    IoThread(std::size_t number, const IoPoolOptions& options, protocol::Service& service,
             const SystemClock& clock, ConnectionLimit& limit);
    ~IoThread();

    // The control thread.
    void start();
    // Throws std::bad_alloc.
    void take(const NewClient& client);
    void drain();
    // Sessions that there are now end at their next boundary.
    void disconnect();
    // Owns the descriptor, a bound datagram socket.
    void serve_datagrams(int descriptor);
    void ask_to_stop();
    void join() noexcept;

    // Any thread.
    const protocol::ThreadCounters& counters() const noexcept { return counters_; }
    const SessionRegistry& registry() const noexcept { return registry_; }

  private:
    using Timeouts = std::array<std::chrono::seconds, 5>;

    void run();
    void end_all() noexcept;
    void sweep_later() noexcept;
    void sweep() noexcept;
    void look_at(Session& session, storage::Tick now) noexcept;
    Timeouts timeouts() const noexcept;
    template <class Task>
    void post(Task task) noexcept;

    const std::size_t number_;
    storage::Arbiter* const arbiter_;  // null: none
    const std::chrono::seconds idle_timeout_;
    const std::chrono::seconds write_timeout_;
    const std::chrono::seconds request_timeout_;
    const std::chrono::seconds login_timeout_;
    const std::chrono::seconds handshake_timeout_;
    boost::asio::io_context context_{1};  // hint: one thread runs it
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    boost::asio::steady_timer sweep_timer_;
    protocol::ThreadCounters counters_;
    SessionBuffers buffers_;
    SessionRegistry registry_;
    WatchingSessions watching_;
    SessionSurroundings surroundings_;
    SessionPoller poller_;
    std::vector<std::unique_ptr<DatagramServer>> datagrams_;
    std::thread thread_;
};

}  // namespace twincached::app
