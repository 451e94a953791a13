// The sessions of one io thread that wait for more than their clients' bytes: those that watch have
// output that no request of theirs caused, those that log in wait for a judge. Whoever has
// something for one of them wakes this; the io thread then gives each a turn. This is the only road
// from another thread to a session.
#pragma once

#include "protocol/observation/watch_log.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <utility>
#include <vector>

namespace twincached::app {

class Session;

class WatchingSessions final : public protocol::Waker {
  public:
    // `serve` gives a session a turn if it waits for that; the turn may end it or let it go.
    WatchingSessions(boost::asio::io_context& context, std::function<void(Session&)> serve)
        : context_(context), serve_(std::move(serve)) {}

    // Called first whenever it was woken, on the io thread. Before anything else.
    void set_noticed(std::function<void()> noticed) { noticed_ = std::move(noticed); }

    // Any thread.
    void wake() noexcept override;

    // The io thread. What was added is removed before it is destroyed.
    void add(Session& session);
    void remove(Session& session) noexcept;

  private:
    void serve_all();

    boost::asio::io_context& context_;
    std::function<void(Session&)> serve_;
    std::function<void()> noticed_;  // may be empty
    std::vector<Session*> sessions_;
    std::atomic<bool> is_woken_{false};
};

}  // namespace twincached::app
