// Tells a service manager how the server is: systemd's protocol of datagrams to $NOTIFY_SOCKET
// (sd_notify(3)). Without that variable nothing happens.
#pragma once

#include <string_view>

namespace twincached::app {

// "READY=1", "STOPPING=1", "STATUS=..."; several separated by newlines.
void notify_service_manager(std::string_view state) noexcept;

}  // namespace twincached::app
