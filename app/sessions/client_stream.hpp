// A client's connection as its session sees it: plaintext in and out of a non-blocking socket,
// through TLS where the listener has it. Without TLS each call is a null pointer's test away from
// the system call. Owned by the session; its io thread alone calls it.
#pragma once

#include "app/sessions/socket_io.hpp"
#include "app/sessions/tls_channel.hpp"

#include <unistd.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace twincached::app {

class ClientStream {
  public:
    // Owns the descriptor, which is a connected, non-blocking stream socket. `tls` may be null.
    ClientStream(int descriptor, std::unique_ptr<TlsChannel> tls) noexcept
        : descriptor_(descriptor), tls_(std::move(tls)) {}
    ~ClientStream() {
        if (tls_) tls_->say_goodbye();
        ::close(descriptor_);
    }
    ClientStream(const ClientStream&) = delete;
    ClientStream& operator=(const ClientStream&) = delete;

    int descriptor() const noexcept { return descriptor_; }

    Transferred receive(char* into, std::size_t size) {
        return tls_ ? tls_->receive(into, size) : app::receive(descriptor_, into, size);
    }
    Transferred send(std::span<const std::string_view> segments) {
        return tls_ ? tls_->send(segments) : app::send(descriptor_, segments);
    }
    // Bytes have come that nobody has received.
    bool has_unread() const noexcept {
        return (tls_ && tls_->has_unread()) || holds_bytes(descriptor_);
    }
    bool has_hung_up() const noexcept { return app::has_hung_up(descriptor_); }
    // What `send` took and the socket has not.
    bool has_unsent() const noexcept { return tls_ && tls_->has_unsent(); }
    Transfer flush() noexcept { return tls_ ? tls_->flush() : Transfer::done; }

    void begin_turn(SessionBuffers& buffers, storage::Tick now) {
        if (tls_) tls_->begin_turn(buffers, now);
    }
    void end_turn(SessionBuffers& buffers) {
        if (tls_) tls_->end_turn(buffers);
    }

    bool is_shaking_hands() const noexcept { return tls_ && tls_->is_shaking_hands(); }
    // REQUIRES: is_shaking_hands().
    void give_handshake_up(storage::Tick now) noexcept { tls_->give_handshake_up(now); }

  private:
    const int descriptor_;
    const std::unique_ptr<TlsChannel> tls_;
};

}  // namespace twincached::app
