// How the server ends, once and in one order:
//
//     running -> pausing -> draining_clients -> draining_node -> ended
//
//     pausing            the node says that it is not ready, and serves on, so that balancers move
//     draining_clients   no further client; those that are here end at their next boundary, or are
//                        closed when the stop timeout is over
//     draining_node      the io threads have ended, so nothing changes any more: the other node
//                        hears the last changes, the items are saved
//     ended              the control context is stopped
//
// Owned by the server, on the control thread. The node is drained on a thread of its own, because
// that blocks and a second signal must still be heard.
#pragma once

#include "app/client_ports.hpp"
#include "app/listeners/connection_limit.hpp"
#include "app/node.hpp"
#include "app/process/log.hpp"
#include "app/sessions/io_pool.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <thread>

namespace twincached::app {

class StopSequence {
  public:
    // All must outlive it.
    struct Parts {
        boost::asio::io_context& control;
        ClientPorts& ports;
        IoPool& pool;
        Node& node;
        const ConnectionLimit& limit;
        Log& log;
    };
    // Clients in the middle of a request have `timeout` to come to its end.
    StopSequence(const Parts& parts, std::chrono::milliseconds timeout);
    ~StopSequence();

    bool has_begun() const noexcept { return step_ != Step::running; }
    // Harmless if it has begun. `reason` is for the log: "SIGTERM". `pause`: before anything is
    // closed.
    void begin(std::string_view reason, std::chrono::milliseconds pause);

  private:
    enum class Step : std::uint8_t { running, pausing, draining_clients, draining_node, ended };

    void close_ports();
    void await_last_client();
    void drain_node();
    void end();

    const Parts parts_;
    const std::chrono::milliseconds timeout_;
    Step step_ = Step::running;
    boost::asio::steady_timer timer_;
    std::chrono::steady_clock::time_point deadline_;
    std::thread node_drain_;
};

}  // namespace twincached::app
