// What the threads that serve clients are started with. Plain values.
#pragma once

#include "app/sessions/session_options.hpp"
#include "replication/ack_gate.hpp"
#include "storage/arbiter.hpp"

#include <chrono>

namespace twincached::app {

class ClientTls;

struct IoPoolOptions {
    SessionOptions sessions;
    // What waited for a thread that stood still for longer is not executed. 0: it is.
    std::chrono::milliseconds pause_limit{0};
    // Null: none. Both must outlive the pool.
    ClientTls* tls = nullptr;
    replication::AckGate* gate = nullptr;  // what answers to changes must pass
    storage::Arbiter* arbiter = nullptr;   // who may decide in the store's place; as the gate
};

}  // namespace twincached::app
