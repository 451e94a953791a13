// `stats conns`: every listening socket and every client, in memcached's words, the newest last.
#pragma once

#include "app/listeners/acceptor.hpp"
#include "app/sessions/io_pool.hpp"
#include "lib/figure_row.hpp"
#include "protocol/execution/service.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace twincached::app {

// A listening socket, or a client.
struct ConnectionFacts {
    std::uint64_t id = 0;  // of a client: later ones have higher numbers
    int descriptor = -1;
    bool takes_datagrams = false;
    std::string address{};
    std::string listen_address{};  // of a client alone
    std::string_view state{};
    storage::Tick silent = 0;
};

std::span<const lib::FigureRow<ConnectionFacts>> connection_rows() noexcept;

// Any io thread, while the server runs.
void report_sockets(const Acceptor& acceptor, const IoPool& pool, protocol::StatVisitor visit);

// So many clients are told of without making others of the thread wait.
inline constexpr std::size_t clients_at_once = 512;
// The oldest clients whose number is above `from`. Returns the last one's, 0 if none is left.
std::uint64_t report_clients(const Acceptor& acceptor, const IoPool& pool, storage::Tick now,
                             std::uint64_t from, protocol::StatVisitor visit);

}  // namespace twincached::app
