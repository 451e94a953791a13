// What the threads that serve clients are started with. Plain values; timeouts of 0 mean never.
#pragma once

#include "replication/ack_gate.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace twincached::app {

class ClientTls;

struct IoPoolOptions {
    std::size_t threads = 4;
    std::chrono::seconds idle_timeout{0};  // 0: never
    std::chrono::seconds write_timeout{0};
    std::chrono::seconds request_timeout{0};
    std::chrono::seconds handshake_timeout{0};  // of TLS
    ClientTls* tls = nullptr;                   // null: none; must outlive the pool
    std::uint64_t buffer_memory_bytes = 0;      // of all threads' sessions together; 0: no limit
    replication::AckGate* gate = nullptr;  // what answers to changes must pass, if there is one
};

}  // namespace twincached::app
