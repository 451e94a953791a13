// The figures of `stats` that only the process knows: its age, its processor time, its clients'
// connections and the memory that it holds for them. A new figure is a row in process_figures.cpp.
#pragma once

#include "app/listeners/acceptor.hpp"
#include "app/listeners/connection_limit.hpp"
#include "app/options/options.hpp"
#include "app/sessions/client_tls.hpp"
#include "app/sessions/io_pool.hpp"
#include "lib/figure_row.hpp"
#include "protocol/execution/service.hpp"
#include "storage/now.hpp"

#include <sys/resource.h>

#include <cstdint>
#include <span>

namespace twincached::app {

// What the threads' sessions hold between their turns, and the buffer that each thread's sessions
// share in them.
struct HeldBuffers {
    explicit HeldBuffers(const IoPool& pool);

    std::uint64_t requests = 0;
    std::uint64_t request_bytes = 0;
    std::uint64_t answers = 0;
    std::uint64_t answer_bytes = 0;
    std::uint64_t threads = 0;
};

// Whom rows ask, and what is looked up once for all of them. As long as one report takes.
struct ProcessFacts {
    const Options& options;
    const ConnectionLimit& limit;
    const Acceptor& acceptor;
    const ClientTls* tls;  // null: none
    const protocol::Service& service;
    storage::Now now;
    storage::Tick started;
    HeldBuffers held;
    rusage usage;

    std::uint64_t operator[](protocol::Count name) const noexcept { return service.total(name); }
};

std::span<const lib::FigureRow<ProcessFacts>> process_rows() noexcept;

}  // namespace twincached::app
