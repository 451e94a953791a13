// TLS between a client's socket and its session: moves ciphertext and counts what goes wrong. One
// per TLS connection, owned by its ClientStream; the session's io thread alone calls it.
//
// What a connection holds, at most: 64 KiB and one record of ciphertext that arrived, one write
// buffer (ssl_wbuf_size) that has not left, and a record in each direction inside OpenSSL. Between
// turns it keeps of these only what is half received or half sent.
#pragma once

#include "app/sessions/client_tls.hpp"
#include "app/sessions/session_buffers.hpp"
#include "app/sessions/socket_io.hpp"
#include "lib/tls_stream.hpp"
#include "protocol/execution/thread_counters.hpp"
#include "storage/now.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace twincached::app {

class TlsChannel {
  public:
    // All references must outlive it; the descriptor is the ClientStream's.
    TlsChannel(int descriptor, ListenerTls listener, ClientTls& tls,
               protocol::ThreadCounters& counters);

    // At the beginning and the end of each turn of the session.
    void begin_turn(SessionBuffers& buffers, storage::Tick now);
    void end_turn(SessionBuffers& buffers);

    // As app::receive and app::send, of plaintext. `receive` returns fewer bytes than asked for
    // only if nothing that has left the kernel is left to be decrypted.
    Transferred receive(char* into, std::size_t size);
    Transferred send(std::span<const std::string_view> segments);
    // Ciphertext that the socket has not taken yet. `would_block`: still there.
    bool has_unsent() noexcept { return !stream_->outgoing().empty(); }
    Transfer flush() noexcept;
    // A farewell, if the socket takes it at once.
    void say_goodbye() noexcept;
    // Ciphertext that is not a whole record, or was not asked for.
    bool has_unread() const noexcept { return stream_->has_unread(); }

    bool is_shaking_hands() const noexcept {
        return stream_->state() == lib::TlsStream::State::handshake;
    }
    // The client took too long for it.
    void give_handshake_up(storage::Tick now) noexcept;

  private:
    using State = lib::TlsStream::State;

    Transferred receive_more(char* into, std::size_t size);
    void note_progress(State before) noexcept;
    std::size_t encrypt(std::span<const std::string_view> segments);

    const int descriptor_;
    ClientTls& tls_;
    protocol::ThreadCounters& counters_;
    const std::unique_ptr<lib::TlsStream> stream_;
    storage::Tick now_ = 0;  // of the turn
    bool has_heard_ = false;
};

}  // namespace twincached::app
