#include "app/watchdog.hpp"

#include "app/process/insist.hpp"
#include "app/process/service_notification.hpp"
#include "lib/numbers.hpp"

#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace twincached::app {
namespace {

using std::chrono::microseconds;

std::string_view variable(const char* name) noexcept {
    const auto* value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

microseconds watchdog_period(std::string_view asked, std::string_view watched,
                             int own_pid) noexcept {
    if (!watched.empty() && lib::parse_number<int>(watched).value_or(0) != own_pid)
        return microseconds(0);
    return microseconds(lib::parse_number<std::uint32_t>(asked).value_or(0));
}

Watchdog::Watchdog(boost::asio::io_context& control)
    : timer_(control),
      period_(watchdog_period(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), ::getpid())) {}

void Watchdog::start() {
    if (period_.count() == 0) return;
    notify_service_manager("WATCHDOG=1");
    timer_.expires_after(period_ / 2);
    const auto again = [this](const boost::system::error_code& error) {
        if (!error) start();
    };
    insist([&] { timer_.async_wait(again); });
}

}  // namespace twincached::app
