// The UDP sockets that clients send to: for each address one per io thread, which share its port,
// so that the kernel spreads clients over the threads. A taken port is an error at start-up; until
// they are opened the kernel refuses what is sent.
#pragma once

#include "app/listeners/listener_options.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <vector>

namespace twincached::app {

struct DatagramAddress {
    sockaddr_storage address{};
    socklen_t size = 0;
};

// All that the options ask for; each can be bound, at this moment. Throws std::system_error or
// std::runtime_error with a sentence.
std::vector<DatagramAddress> datagram_addresses(const ListenerOptions& options);

// One for each thread, in a row. Throws std::system_error. An ephemeral port is the same for all
// of them, and remembered in `address`.
std::vector<int> open_datagram_sockets(DatagramAddress& address, std::size_t count);

}  // namespace twincached::app
