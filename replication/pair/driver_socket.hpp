// One TCP connection of the peer link, as Asio sees it: bytes read are handed to the owner, buffers
// to be sent are queued and sent in order. It decides nothing. One of the driver's files. Shared
// by the driver, which closes it, and by its own pending operations, which may end later; the
// replication thread alone calls it.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/connection.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

class LinkSocket : public std::enable_shared_from_this<LinkSocket> {
  public:
    // Told of what happens; none of it is called after close() or from inside a call to the socket.
    class Owner {
      public:
        virtual ~Owner() = default;
        virtual void on_bytes(ConnectionId id, std::string_view bytes) = 0;
        virtual void on_sent(ConnectionId id, std::size_t count) = 0;
        virtual void on_closed(ConnectionId id, std::string_view why) = 0;
        // Where every socket of the owner reads to, one at a time.
        virtual std::span<char> read_space() noexcept = 0;
    };

    LinkSocket(boost::asio::ip::tcp::socket socket, ConnectionId id, Owner& owner);

    void start();
    void send(lib::ByteBuffer bytes);
    void close() noexcept;

  private:
    void configure() noexcept;
    void read();
    void on_readable();
    void write();
    void fail(const boost::system::error_code& error);

    boost::asio::ip::tcp::socket socket_;
    const ConnectionId id_;
    Owner& owner_;
    // The engine keeps what lies here below Engine::output_limit_bytes.
    std::deque<lib::ByteBuffer> queue_;
    bool writing_ = false;
    bool open_ = true;
};

}  // namespace twincached::replication::pair
