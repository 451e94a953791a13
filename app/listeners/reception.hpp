// Where connections of trusted proxies wait until the proxy has said whose they are. A header
// usually comes with the connection and is read at once. Nothing behind it is read, so whatever
// follows, a TLS handshake or a request, is the session's. A connection that says something else,
// or nothing for a while, is closed: to guess would let clients forge addresses.
//
// Owned by the acceptor, on the control context. Each of them has its place in the connection
// limit, which bounds them all.
#pragma once

#include "app/addresses/network.hpp"
#include "app/addresses/new_client.hpp"
#include "app/listeners/connection_limit.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace twincached::app {

class Reception {
  public:
    // Takes a client over whose address is known now; `is_proxy` if it is the proxy's own. Must
    // not throw.
    using Admit = std::function<void(NewClient client, bool is_proxy)>;

    static constexpr std::chrono::seconds patience{5};

    Reception(boost::asio::io_context& context, std::vector<Network> proxies,
              ConnectionLimit& limit, Admit admit);
    ~Reception();

    bool expects(const ClientAddress& client) const noexcept { return is_in_any(proxies_, client); }
    // Owns the client's descriptor and place from now on.
    void take(const NewClient& client) noexcept;
    // Closes all who wait.
    void close() noexcept;

    // Any thread: connections that named their client, and those that did not.
    std::uint64_t introduced() const noexcept { return introduced_.load(); }
    std::uint64_t failed() const noexcept { return failed_.load(); }

  private:
    struct Connection;
    // By a number of their own: what was waited for may come when the connection has gone.
    using Connections = std::map<std::uint64_t, Connection>;
    enum class Progress : std::uint8_t { waits, introduced, failed };

    void begin(std::uint64_t number, const NewClient& client);
    void wait(std::uint64_t number) noexcept;
    void serve(std::uint64_t number) noexcept;
    Progress read(Connection& connection);
    Progress understand(Connection& connection, std::size_t peeked);
    void turn_away(std::uint64_t number) noexcept;

    boost::asio::io_context& context_;
    const std::vector<Network> proxies_;
    ConnectionLimit& limit_;
    Admit admit_;
    Connections connections_;
    std::uint64_t last_number_ = 0;
    std::atomic<std::uint64_t> introduced_{0};
    std::atomic<std::uint64_t> failed_{0};
};

}  // namespace twincached::app
