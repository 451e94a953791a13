// `stats conns`: every listening socket and every client, in memcached's words, the newest last.
#pragma once

#include "app/acceptor.hpp"
#include "app/io_pool.hpp"
#include "protocol/service.hpp"

namespace twincached::app {

// Any io thread, while the server runs.
void report_connections(const Acceptor& acceptor, const IoPool& pool, storage::Tick now,
                        protocol::StatVisitor visit);

}  // namespace twincached::app
