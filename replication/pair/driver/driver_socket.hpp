// One TCP connection of the peer link, as Asio sees it: bytes read are handed to the owner, buffers
// to be sent are queued and sent in order, through TLS if the link has it. It decides nothing. One
// of the driver's files. Shared by the driver, which closes it, and by its own pending operations,
// which may end later; the replication thread alone calls it.
#pragma once

#include "lib/byte_buffer.hpp"
#include "lib/tls_stream.hpp"
#include "replication/pair/link/connection.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

class LinkSocket : public std::enable_shared_from_this<LinkSocket> {
  public:
    enum class Closing : std::uint8_t {
        broken,    // by the network, or by something that makes no sense
        in_order,  // by the other end, or its system when it died
        mismatch,  // one end speaks TLS and the other does not, or not with this one
    };

    // Told of what happens; none of it is called after close() or from inside a call to the socket.
    class Owner {
      public:
        virtual ~Owner() = default;
        virtual void on_bytes(ConnectionId id, std::string_view bytes) = 0;
        virtual void on_sent(ConnectionId id, std::size_t count) = 0;
        virtual void on_closed(ConnectionId id, std::string_view why, Closing how) = 0;
        // Whether more is to be read of it now; the owner calls go_on() when it may be.
        virtual bool listens(ConnectionId id) = 0;
        // Where every socket of the owner reads to, one at a time.
        virtual std::span<char> read_space() noexcept = 0;
    };

    // `tls` may be null. With it the owner hears of plaintext alone, and whoever is at the other
    // end has shown the certificate that is pinned before any of it is said or heard.
    LinkSocket(boost::asio::ip::tcp::socket socket, ConnectionId id, Owner& owner,
               std::unique_ptr<lib::TlsStream> tls);

    void start();
    // Reads on if the owner listens. Harmless if it does already.
    void go_on();
    void send(lib::ByteBuffer bytes);
    void close() noexcept;
    // The other end hears of it even if nothing that it says is heard here: a close in order would
    // wait for its acknowledgements.
    void reset() noexcept;

  private:
    void configure() noexcept;
    void read();
    void on_readable();
    void write();
    void decrypt(std::span<char> space, std::size_t count);
    void encrypt();
    void write_encrypted();
    void fail(const boost::system::error_code& error);
    void fail(std::string_view why, Closing how = Closing::broken);
    // The other end hears why, in the clear, if it is one of ours.
    void part_over_tls(ErrorReason reason, std::string_view why);

    boost::asio::ip::tcp::socket socket_;
    const ConnectionId id_;
    Owner& owner_;
    // The engine keeps what lies here below Engine::output_limit_bytes.
    std::deque<lib::ByteBuffer> queue_;
    const std::unique_ptr<lib::TlsStream> tls_;
    lib::ByteBuffer sending_;        // ciphertext on its way
    std::size_t plain_sending_ = 0;  // what of the queue it stands for
    bool has_heard_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool open_ = true;
};

}  // namespace twincached::replication::pair
