// Tells a service manager that the control thread still turns (WATCHDOG=1 of sd_notify(3)), twice
// as often as the unit's WatchdogSec= asks for. Without one it does nothing. Owned by the server,
// on the control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <string_view>

namespace twincached::app {

class Watchdog {
  public:
    // The context must outlive it.
    explicit Watchdog(boost::asio::io_context& control);

    // From now until the context is stopped.
    void start();

  private:
    boost::asio::steady_timer timer_;
    std::chrono::microseconds period_;  // zero: nobody asks
};

// How often $WATCHDOG_USEC asks for a sign of life; zero: never. `watched` is $WATCHDOG_PID, whose
// sign is asked for: empty means anybody's.
std::chrono::microseconds watchdog_period(std::string_view microseconds, std::string_view watched,
                                          int own_pid) noexcept;

}  // namespace twincached::app
