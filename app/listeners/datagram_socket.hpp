// The UDP sockets that clients send to: for each address one per io thread, which share its port,
// so that the kernel spreads clients over the threads. A taken port is an error at start-up; until
// they are opened the kernel refuses what is sent.
#pragma once

#include "app/listeners/listener_options.hpp"
#include "app/listeners/listener_places.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace twincached::app {

struct DatagramPlaces {
    std::vector<PlaceAddress> addresses;
    std::vector<std::string> absent;  // a line for the log for each that cannot be had now
};

// All that the options ask for and this machine has, or may have later; each of them can be bound,
// at this moment. Throws std::runtime_error with a sentence that names the option and the address.
DatagramPlaces datagram_places(const ListenerOptions& options);

// One for each thread, in a row. Throws std::system_error. An ephemeral port is the same for all
// of them, and remembered in `address`.
std::vector<int> open_datagram_sockets(PlaceAddress& address, std::size_t count);

}  // namespace twincached::app
