#include "app/reports/connection_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace twincached::app {
namespace {

std::string_view state_of(const Session& session) noexcept {
    if (session.status().is_in_turn()) return "conn_parse_cmd";
    if (session.status().waits_for(SessionAction::wait_for_room)) return "conn_mwrite";
    switch (session.status().phase()) {
        case protocol::ConversationPhase::idle:
            return "conn_read";
        case protocol::ConversationPhase::in_line:
            return "conn_waiting";
        case protocol::ConversationPhase::in_value:
            return "conn_nread";
        case protocol::ConversationPhase::swallowing:
            return "conn_swallow";
        case protocol::ConversationPhase::watching:
            return "conn_watch";
        case protocol::ConversationPhase::closing:
            return "conn_closing";
    }
    return "conn_read";
}

constexpr lib::FigureRow<ConnectionFacts> rows[] = {
    {lib::text("UDP", "`UDP`, of a socket for datagrams alone"),
     [](const ConnectionFacts&) -> std::string { return "UDP"; },
     [](const ConnectionFacts& facts) { return facts.takes_datagrams; }},
    {lib::text("addr", "a client's address, or where a socket of ours listens"),
     lib::member<&ConnectionFacts::address>},
    {lib::text("listen_addr", "where the client came to, of a client alone"),
     lib::member<&ConnectionFacts::listen_address>,
     [](const ConnectionFacts& facts) { return !facts.listen_address.empty(); }},
    {lib::text("state", "what it does now, in memcached's words"),
     lib::member<&ConnectionFacts::state>},
    {lib::gauge("secs_since_last_cmd", lib::Unit::seconds, "since its last sign of life"),
     lib::member<&ConnectionFacts::silent>},
};

void report(const ConnectionFacts& facts, protocol::StatVisitor visit) {
    lib::visit_figures(rows, facts, [&](const lib::Figure& figure, std::string_view value) {
        visit(fmt::format("{}:{}", facts.descriptor, figure.name), value);
    });
}

// Up to which number clients are told of now, and whether others come behind it.
struct NextClients {
    std::uint64_t last = 0;
    bool are_more = false;
};

NextClients next_clients(const IoPool& pool, std::uint64_t from) {
    std::vector<std::uint64_t> ids;
    pool.visit_sessions([&](const Session& session) {
        if (session.client().id > from) ids.push_back(session.client().id);
    });
    if (ids.size() <= clients_at_once) return {~std::uint64_t{0}, false};
    const auto last = ids.begin() + clients_at_once - 1;
    std::nth_element(ids.begin(), last, ids.end());
    return {*last, true};
}

}  // namespace

std::span<const lib::FigureRow<ConnectionFacts>> connection_rows() noexcept {
    return rows;
}

void report_sockets(const Acceptor& acceptor, const IoPool& pool, protocol::StatVisitor visit) {
    for (const auto& listener : acceptor.listeners()) {
        report({.descriptor = listener.descriptor,
                .address = listener.address,
                .state = "conn_listening"},
               visit);
    }
    for (const auto& socket : pool.datagram_sockets()) {
        report({.descriptor = socket.descriptor,
                .takes_datagrams = true,
                .address = socket.name.address,
                .state = "conn_read"},
               visit);
    }
}

std::uint64_t report_clients(const Acceptor& acceptor, const IoPool& pool, storage::Tick now,
                             std::uint64_t from, protocol::StatVisitor visit) {
    const auto next = next_clients(pool, from);
    std::vector<ConnectionFacts> clients;
    pool.visit_sessions([&](const Session& session) {
        const auto& client = session.client();
        if (client.id <= from || client.id > next.last) return;
        const auto active = std::min(now, session.times().last_active());
        auto local = local_end(client.descriptor);
        // A unix socket was bound under another name than it has now.
        if (local.starts_with("unix:")) local = acceptor.listeners().front().address;
        clients.push_back({.id = client.id,
                           .descriptor = client.descriptor,
                           .address = client.address.text(),
                           .listen_address = std::move(local),
                           .state = state_of(session),
                           .silent = now - active});
    });
    std::sort(clients.begin(), clients.end(),
              [](const auto& left, const auto& right) { return left.id < right.id; });
    for (const auto& client : clients)
        report(client, visit);
    return next.are_more ? next.last : 0;
}

}  // namespace twincached::app
