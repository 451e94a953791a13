// Accepts clients on all listening sockets, on the control context, and gives each to whoever
// serves it; who that is it does not know. Survives a lack of file descriptors without spinning: a
// descriptor is held in reserve to tell the client; if even that is gone, it pauses. Owned by the
// server.
#pragma once

#include "app/listeners/connection_limit.hpp"
#include "app/listeners/listener_options.hpp"
#include "app/listeners/listening_socket.hpp"
#include "app/listeners/reception.hpp"
#include "app/process/log.hpp"
#include "lib/time/pause_detector.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace twincached::app {

// A listening socket as reports name it.
struct ListenerName {
    int descriptor;
    std::string address;
};

class Acceptor {
  public:
    // Called on the control thread with a client that has its place in the limit: whoever takes it
    // owns its descriptor and gives the place back when it goes.
    using Deal = std::function<void(const NewClient&)>;

    // All must outlive it.
    struct Parts {
        boost::asio::io_context& control;
        ConnectionLimit& limit;
        Log& log;
        std::chrono::milliseconds pause_limit;  // see lib::PauseDetector; 0: none
    };
    Acceptor(const Parts& parts, const ListenerOptions& options,
             std::vector<ListeningSocket> sockets, Deal deal);
    ~Acceptor();

    // Control thread. Throws std::system_error.
    void open();
    // Clients find the ports closed until open() is called again.
    void shut() noexcept;
    void close() noexcept;
    const std::vector<ListeningSocket>& sockets() const noexcept { return sockets_; }

    // Any thread, for reports.
    const std::vector<ListenerName>& listeners() const noexcept { return names_; }
    const Reception& reception() const noexcept { return reception_; }
    bool is_accepting() const noexcept { return accepting_.load(std::memory_order_relaxed); }
    std::uint64_t times_disabled() const noexcept { return times_disabled_.load(); }
    std::uint64_t disabled_us() const noexcept { return disabled_us_.load(); }

  private:
    struct Listener;
    enum class Outcome : std::uint8_t { more, none, full, exhausted };

    void watch(Listener& listener) noexcept;
    void accept_all(Listener& listener) noexcept;
    Outcome accept_one(Listener& listener) noexcept;
    void welcome(const NewClient& client) noexcept;
    void admit(NewClient client, bool is_proxy) noexcept;
    void deal_if_it_may_come(NewClient& client, bool is_proxy);
    void tell_and_close(int descriptor) noexcept;
    void tell_of_limit() noexcept;
    bool reject_by_reserve(Listener& listener) noexcept;
    void pause(std::chrono::milliseconds longest) noexcept;
    bool look_for_pause() noexcept;
    void beat() noexcept;
    void go_on() noexcept;

    boost::asio::io_context& context_;
    std::vector<ListeningSocket> sockets_;
    const std::vector<ListenerName> names_;
    const Deal deal_;
    ConnectionLimit& limit_;
    const int backlog_;
    const bool reject_fast_;  // one client too many gets an error at once
    Log& log_;
    std::vector<std::unique_ptr<Listener>> open_;  // none: clients find the ports closed
    Reception reception_;
    boost::asio::steady_timer pause_timer_;
    lib::PauseDetector pauses_;  // of the control thread
    boost::asio::steady_timer pulse_;
    int reserve_;             // -1: used up
    unsigned era_ = 0;        // of what is open: who was called in an earlier one finds it gone
    bool is_closed_ = false;  // for good
    bool exhausted_ = false;  // descriptors ran out and no accept has succeeded since
    std::chrono::steady_clock::time_point paused_since_;
    // Turned away for the limit since the log last said so, and when that was.
    std::uint64_t untold_ = 0;
    std::optional<std::chrono::steady_clock::time_point> told_at_;
    std::atomic<bool> accepting_{false};
    std::atomic<std::uint64_t> times_disabled_{0};
    std::atomic<std::uint64_t> disabled_us_{0};
};

}  // namespace twincached::app
