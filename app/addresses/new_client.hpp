// A client that was accepted: a connected, non-blocking stream socket, where it comes from and how
// it is spoken to. A value; whoever holds it owns the descriptor.
#pragma once

#include "app/addresses/client_address.hpp"
#include "app/addresses/endpoint.hpp"

#include <cstdint>

namespace twincached::app {

struct NewClient {
    int descriptor = -1;
    ListenerTls tls = ListenerTls::none;
    std::uint64_t id = 0;
    ClientAddress address = {};
    // SystemClock::boot_ms(); 0: it may have waited to be accepted while the process stood still.
    std::uint64_t accepted_ms = 0;
    bool has_place = false;  // among the connections of its address
};

}  // namespace twincached::app
