// The bytes of one connection to the server and back: a socket, or TLS over one. It never waits,
// but for the connection itself, which on loopback is there at once. What goes wrong ends the
// program: a load generator that goes on after an error measures nothing.
#pragma once

#include "test/bench/load/options.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace twincached::lib {
class TlsContext;
}

namespace twincached::load {

class Channel {
  public:
    virtual ~Channel() = default;

    virtual int descriptor() const = 0;
    // What is to be done before anything can be sent is done. It goes on with each receive().
    virtual bool is_open() const = 0;
    // Returns how many bytes were taken: less than all if the socket has no room, or if the channel
    // is not open.
    virtual std::size_t send(std::string_view bytes) = 0;
    // Bytes that were taken have not all left.
    virtual bool has_unsent() const = 0;
    // Returns how many bytes came, 0 if there are none now; nothing if the server has closed.
    virtual std::optional<std::size_t> receive(std::span<char> into) = 0;
    // Something may be left to receive that the socket does not tell of.
    virtual bool may_hold_more() const = 0;
};

// Connects: a plain channel without `tls`. Keeps the context.
std::unique_ptr<Channel> connect_to(const Options& options,
                                    std::shared_ptr<const lib::TlsContext> tls);

// Whatever certificate the server shows is taken: a load is for one's own server.
std::shared_ptr<const lib::TlsContext> tls_for_load();

}  // namespace twincached::load
