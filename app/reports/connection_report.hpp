// `stats conns`: every listening socket and every client, in memcached's words, the newest last.
#pragma once

#include "app/listeners/acceptor.hpp"
#include "app/sessions/io_pool.hpp"
#include "protocol/execution/service.hpp"

namespace twincached::app {

// Any io thread, while the server runs.
void report_connections(const Acceptor& acceptor, const IoPool& pool, storage::Tick now,
                        protocol::StatVisitor visit);

}  // namespace twincached::app
