#include "replication/pair/driver/link_sockets.hpp"

#include "replication/pair/driver/driver_addresses.hpp"

#include <string>

namespace twincached::replication::pair {

using boost::asio::ip::tcp;

namespace {

// One for all sockets: the engine has taken what was read before the next one reads.
constexpr std::size_t read_space_bytes = 256U << 10;

}  // namespace

LinkSockets::LinkSockets(Engine& engine, const Events& events,
                         std::shared_ptr<const lib::TlsContext> tls)
    : engine_(engine), events_(events), tls_(std::move(tls)), read_space_(read_space_bytes) {}

// A caller may be gone again by now: then its place is not known, and the engine hears of its end
// with the first read.
void LinkSockets::add_accepted(tcp::socket socket, bool is_from_peer) {
    boost::system::error_code unknown;
    const auto from = socket.remote_endpoint(unknown);
    const auto place = unknown ? std::string() : text_of(from.address(), from.port());
    const auto id = add(std::move(socket), lib::TlsStream::Side::server);
    engine_.on_accepted(id, events_.now(), place, is_from_peer);
}

void LinkSockets::add_dialled(tcp::socket socket) {
    const auto id = add(std::move(socket), lib::TlsStream::Side::client);
    engine_.on_connected(id, events_.now());
}

ConnectionId LinkSockets::add(tcp::socket socket, lib::TlsStream::Side side) {
    const auto id = next_id_++;
    LinkSocket::Owner& owner = *this;
    auto link = std::make_shared<LinkSocket>(std::move(socket), id, owner, tls_.begin(side));
    sockets_.emplace(id, link);
    link->start();
    return id;
}

// What the engine decides about a connection may come after its end, which it has not been told of
// yet: such words are for nobody.
void LinkSockets::send(ConnectionId id, lib::ByteBuffer bytes) {
    const auto socket = sockets_.find(id);
    if (socket != sockets_.end()) socket->second->send(std::move(bytes));
}

void LinkSockets::close(ConnectionId id) noexcept {
    const auto socket = sockets_.find(id);
    if (socket == sockets_.end()) return;
    socket->second->close();
    sockets_.erase(socket);
}

void LinkSockets::reset(ConnectionId id) noexcept {
    const auto socket = sockets_.find(id);
    if (socket == sockets_.end()) return;
    socket->second->reset();
    sockets_.erase(socket);
}

void LinkSockets::close_all() noexcept {
    for (auto& [id, socket] : sockets_)
        socket->close();
    sockets_.clear();
}

void LinkSockets::reset_all() noexcept {
    for (auto& [id, socket] : sockets_)
        socket->reset();
    sockets_.clear();
}

void LinkSockets::go_on() {
    for (auto& [id, socket] : sockets_)
        socket->go_on();
}

void LinkSockets::on_bytes(ConnectionId id, std::string_view bytes) {
    engine_.on_bytes(id, bytes, events_.now());
}

void LinkSockets::on_sent(ConnectionId id, std::size_t count) {
    engine_.on_sent(id, count, events_.now());
}

// The socket is gone before the engine hears of it, which may dial anew at once.
void LinkSockets::on_closed(ConnectionId id, std::string_view why, LinkSocket::Closing how) {
    sockets_.erase(id);
    switch (how) {
        case LinkSocket::Closing::in_order:
            return engine_.on_end_of_stream(id, why, events_.now());
        case LinkSocket::Closing::mismatch:
            return engine_.on_mismatch(id, why, events_.now());
        case LinkSocket::Closing::broken:
            return engine_.on_closed(id, why, events_.now());
    }
}

}  // namespace twincached::replication::pair
