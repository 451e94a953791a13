// What the threads that serve clients are started with. Plain values.
#pragma once

#include "app/sessions/session_options.hpp"
#include "replication/ack_gate.hpp"

namespace twincached::app {

class ClientTls;

struct IoPoolOptions {
    SessionOptions sessions;
    // Null: none. Both must outlive the pool.
    ClientTls* tls = nullptr;
    replication::AckGate* gate = nullptr;  // what answers to changes must pass
};

}  // namespace twincached::app
