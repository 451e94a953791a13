// The sockets of the link, each by the number under which the engine knows its connection: what
// comes out of them is told to the engine, what the engine wants sent goes in. It decides nothing.
// One of the driver's files, owned by the loop; the replication thread alone, but for use_tls().
#pragma once

#include "replication/pair/driver/driver_socket.hpp"
#include "replication/pair/driver/driver_tls.hpp"
#include "replication/pair/link/engine.hpp"
#include "replication/replicator.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::replication::pair {

class LinkSockets final : private LinkSocket::Owner {
  public:
    // All must outlive it. `tls`: null is none.
    LinkSockets(Engine& engine, const Events& events, std::shared_ptr<const lib::TlsContext> tls);

    // Somebody has called, or we have.
    void add_accepted(boost::asio::ip::tcp::socket socket, bool is_from_peer);
    void add_dialled(boost::asio::ip::tcp::socket socket);

    // What is not there any more has ended by itself; the engine knows by then, or soon.
    void send(ConnectionId id, lib::ByteBuffer bytes);
    void close(ConnectionId id) noexcept;
    void reset(ConnectionId id) noexcept;
    void close_all() noexcept;
    void reset_all() noexcept;
    std::size_t size() const noexcept { return sockets_.size(); }
    // After the engine was told of what happened: who may say more is read on.
    void go_on();

    // Any thread: for connections that begin from now on.
    void use_tls(std::shared_ptr<const lib::TlsContext> tls) { tls_.exchange(std::move(tls)); }

  private:
    void on_bytes(ConnectionId id, std::string_view bytes) override;
    void on_sent(ConnectionId id, std::size_t count) override;
    void on_closed(ConnectionId id, std::string_view why, LinkSocket::Closing how) override;
    bool listens(ConnectionId id) override { return engine_.listens(id, events_.now()); }
    std::span<char> read_space() noexcept override { return read_space_; }
    ConnectionId add(boost::asio::ip::tcp::socket socket, lib::TlsStream::Side side);

    Engine& engine_;
    const Events& events_;
    LinkTls tls_;
    std::map<ConnectionId, std::shared_ptr<LinkSocket>> sockets_;
    ConnectionId next_id_ = 1;
    std::vector<char> read_space_;
};

}  // namespace twincached::replication::pair
