// Calls the peer: finds its addresses by its name and connects to one of them, another at each
// call. When to call is the link machine's business. One of the driver's files, owned by the
// driver; the replication thread alone.
#pragma once

#include "replication/pair/driver/driver_addresses.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

class LinkDialler {
  public:
    class Owner {
      public:
        virtual ~Owner() = default;
        virtual void on_dialled(boost::asio::ip::tcp::socket socket) = 0;
        // `refused`: it is known that no peer runs on the peer's host.
        virtual void on_dial_failed(std::string_view why, bool refused) = 0;
    };
    struct Peer {
        std::string host;  // a name or an address
        std::uint16_t port = 0;
        Addresses addresses{};  // as known at the start; empty if the name did not resolve
    };

    // `own`: where this node listens, if not on all interfaces; the peer knows it by that address.
    LinkDialler(boost::asio::io_context& context, Peer peer,
                std::optional<boost::asio::ip::address> own, Owner& owner);

    // Ends in one call of the owner, or none after hang_up(). REQUIRES: no other is under way.
    void dial();
    void hang_up();

    // As last resolved.
    const Addresses& addresses() const noexcept { return peer_.addresses; }

  private:
    void resolve();
    void dial_next_address();
    void on_connect(std::uint64_t dial, const boost::system::error_code& error);

    boost::asio::io_context& context_;
    Peer peer_;
    const std::optional<boost::asio::ip::address> own_;
    Owner& owner_;
    boost::asio::ip::tcp::resolver resolver_;
    bool resolving_ = false;
    bool waits_for_name_ = false;
    std::optional<boost::asio::ip::tcp::socket> dialling_;
    std::uint64_t dials_ = 0;
};

}  // namespace twincached::replication::pair
