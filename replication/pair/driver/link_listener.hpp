// Where the peer's calls arrive: the link's listening socket. It judges nobody; a caller is handed
// on with the address that it comes from. One of the driver's files, owned by the driver; opened on
// the control thread before there is any other, then the replication thread alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::replication::pair {

// Who asks for it, as messages name it.
inline constexpr std::string_view link_listen_option =
    "listen of [replication] (--link-listen, -X)";

class LinkListener {
  public:
    class Owner {
      public:
        virtual ~Owner() = default;
        virtual void on_call(boost::asio::ip::tcp::socket socket,
                             const boost::asio::ip::address& from) = 0;
        // No connection can be taken now; it is tried again after a while.
        virtual void on_call_lost(std::string_view why) = 0;
    };

    LinkListener(boost::asio::io_context& context, Owner& owner)
        : acceptor_(context), rest_(context), owner_(owner) {}

    // `address`: none is all interfaces. Throws std::system_error with a sentence.
    void open(const std::optional<boost::asio::ip::address>& address, std::uint16_t port);
    // Accepts on, should it have stopped because there was no memory.
    void go_on();
    void close() noexcept;

  private:
    void accept();
    void on_accept(const boost::system::error_code& error, boost::asio::ip::tcp::socket socket);

    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer rest_;
    Owner& owner_;
    bool is_waiting_ = false;  // for a call, or for the end of a rest
};

}  // namespace twincached::replication::pair
