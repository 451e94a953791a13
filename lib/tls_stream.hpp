// TLS as a filter without a socket: ciphertext from the network goes in, plaintext comes out, and
// the other way round. The handshake is done on the way. Owned by whoever owns the connection; one
// thread at a time.
//
//     network -> incoming() -> read()  -> plaintext
//     network <- outgoing() <- write() <- plaintext
//
// After every call outgoing() may hold something to be sent: parts of a handshake, alerts, records.
// It grows by what is written (plus about 0.2 % and some bytes), and by a few KiB in a handshake.
// What OpenSSL keeps beside it is at most one record in each direction, and nothing when idle but
// the state of the session itself.
#pragma once

#include "lib/byte_buffer.hpp"
#include "lib/tls_context.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;
struct bio_st;
struct bio_method_st;

namespace twincached::lib {

class TlsStream {
  public:
    enum class Side : std::uint8_t { client, server };
    enum class State : std::uint8_t {
        handshake,
        open,
        ended,   // the other end said that nothing more will come
        failed,  // why() says why; outgoing() may hold a last alert
    };
    // The most plaintext that one record takes.
    static constexpr std::size_t record_size = 16 * 1024;

    // Keeps the context. Throws std::bad_alloc.
    TlsStream(std::shared_ptr<const TlsContext> context, Side side);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    // A server asks for a certificate, or not, whatever its context says. Before the first byte.
    void ask_for_certificate(PeerCertificate peer) noexcept;

    // Ciphertext. Whoever owns the stream appends to one and sends and consumes the other.
    ByteBuffer& incoming() noexcept { return incoming_; }
    ByteBuffer& outgoing() noexcept { return outgoing_; }
    // Nothing more will be appended to incoming(): without a farewell before that, it is a failure.
    void end_incoming() noexcept { incoming_ends_ = true; }

    // Goes on with the handshake as far as incoming() allows; a client begins with it.
    State shake_hands() noexcept;
    // Goes on with the handshake, then decrypts. Returns how many bytes it put there; fewer than
    // there is room for only if all of incoming() was used, or the stream is over.
    std::size_t read(std::span<char> into) noexcept;
    // Encrypts all of it. False, and nothing is taken, before the handshake is over and after a
    // failure.
    bool write(std::string_view plaintext) noexcept;
    // Tells the other end that nothing more will come, and nothing more is written.
    void say_goodbye() noexcept;

    State state() const noexcept { return state_; }
    // A sentence for a log, without a name for the other end: "the certificate is refused: ...".
    const std::string& why() const noexcept { return why_; }
    // More can be read than has been.
    bool has_unread() const noexcept;
    // Whether an earlier session was resumed. After the handshake.
    bool is_resumed() const noexcept;
    // "TLSv1.3 TLS_AES_256_GCM_SHA384", after the handshake.
    std::string description() const;

  private:
    friend struct TlsTransport;  // the BIO's functions

    std::size_t read_record(std::span<char> into) noexcept;
    void finish_handshake() noexcept;
    // After a call that did not succeed: whether it is to be tried again with more input.
    bool may_go_on(int result) noexcept;
    std::string sentence_of_failure(unsigned long error) const;
    void fail(std::string_view why) noexcept;

    const std::shared_ptr<const TlsContext> context_;
    ByteBuffer incoming_;
    ByteBuffer outgoing_;
    bool incoming_ends_ = false;
    State state_ = State::handshake;
    ssl_st* ssl_;
    std::string why_;
};

}  // namespace twincached::lib
