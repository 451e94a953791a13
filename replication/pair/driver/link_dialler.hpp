// Calls the peer: finds its addresses by its name and connects to one of them. An address that does
// not answer at once does not hold up the next: they are tried one a moment after the other, and
// the first that answers is taken. The call after that begins with another one, for what has
// answered may not have been the peer. Own addresses are left out. When to call is the link
// machine's business. One of the driver's files, owned by the driver; the replication thread alone.
#pragma once

#include "replication/pair/driver/driver_addresses.hpp"
#include "replication/pair/driver/name_resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

class LinkDialler {
  public:
    class Owner {
      public:
        virtual ~Owner() = default;
        // These are the peer's addresses. False: nobody may be called yet.
        virtual bool may_dial(const Addresses& peer) = 0;
        virtual void on_dialled(boost::asio::ip::tcp::socket socket) = 0;
        // `refused`: it is known that no peer runs on the peer's host.
        virtual void on_dial_failed(std::string_view why, bool refused) = 0;
    };
    struct Parts {
        const LinkPlaces& places;
        // Where this node listens, if not on all interfaces; the peer knows it by that address.
        std::optional<boost::asio::ip::address> own;
        NameResolver::Lookup lookup;
        Addresses known{};  // of the peer, as found before; empty if the name did not resolve
    };

    LinkDialler(boost::asio::io_context& context, Parts parts, Owner& owner);

    // Ends in one call of the owner, or none after hang_up(). REQUIRES: no other is under way.
    void dial();
    void hang_up();

    // As last resolved, without this node's own.
    const Addresses& addresses() const noexcept { return addresses_; }

  private:
    void on_found(const lib::Parsed<Addresses>& found);
    void begin();
    void try_next();
    void on_connect(std::uint64_t attempt, const boost::system::error_code& error);
    void note_failure(const boost::system::error_code& error);
    // Tells the owner, but not from inside its own call.
    void fail(std::string why, bool refused);

    boost::asio::io_context& context_;
    const Parts parts_;
    Owner& owner_;
    Addresses addresses_;
    std::unique_ptr<NameResolver> resolver_;  // null: the peer is known by its address
    boost::asio::steady_timer next_timer_;

    std::uint64_t dials_ = 0;
    bool is_dialling_ = false;
    bool waits_for_name_ = false;
    Addresses to_try_;  // in this dial, the next one last
    std::map<std::uint64_t, boost::asio::ip::tcp::socket> attempts_;
    std::uint64_t attempt_ = 0;
    std::string last_error_;
    bool all_refused_ = true;
};

}  // namespace twincached::replication::pair
