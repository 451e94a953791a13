#include "app/reports/connection_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace twincached::app {
namespace {

struct ConnectionLine {
    std::uint64_t id;
    int descriptor;
    std::string address;
    std::string listen_address;
    std::string_view state;
    storage::Tick silent;
};

std::string_view state_of(const Session& session) noexcept {
    if (session.is_in_turn()) return "conn_parse_cmd";
    if (session.waits_for(SessionAction::wait_for_room)) return "conn_mwrite";
    switch (session.phase()) {
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

}  // namespace

void report_connections(const Acceptor& acceptor, const IoPool& pool, storage::Tick now,
                        protocol::StatVisitor visit) {
    for (const auto& listener : acceptor.listeners()) {
        visit(fmt::format("{}:addr", listener.descriptor), listener.address);
        visit(fmt::format("{}:state", listener.descriptor), "conn_listening");
        visit(fmt::format("{}:secs_since_last_cmd", listener.descriptor), "0");
    }
    for (const auto& socket : pool.datagram_sockets()) {
        visit(fmt::format("{}:UDP", socket.descriptor), "UDP");
        visit(fmt::format("{}:addr", socket.descriptor), socket.name.address);
        visit(fmt::format("{}:state", socket.descriptor), "conn_read");
        visit(fmt::format("{}:secs_since_last_cmd", socket.descriptor), "0");
    }
    std::vector<ConnectionLine> lines;
    pool.visit_sessions([&](const Session& session) {
        const auto descriptor = session.descriptor();
        const auto active = std::min(now, session.last_active());
        auto local = local_end(descriptor);
        // A unix socket was bound under another name than it has now.
        if (local.starts_with("unix:")) local = acceptor.listeners().front().address;
        lines.push_back({session.id(), descriptor, session.address().text(), std::move(local),
                         state_of(session), now - active});
    });
    std::sort(lines.begin(), lines.end(),
              [](const auto& left, const auto& right) { return left.id < right.id; });
    for (const auto& line : lines) {
        visit(fmt::format("{}:addr", line.descriptor), line.address);
        visit(fmt::format("{}:listen_addr", line.descriptor), line.listen_address);
        visit(fmt::format("{}:state", line.descriptor), line.state);
        visit(fmt::format("{}:secs_since_last_cmd", line.descriptor), std::to_string(line.silent));
    }
}

}  // namespace twincached::app
