#include "lib/tls_stream.hpp"

#include "lib/allocation.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace twincached::lib {

// OpenSSL's view of a stream's two buffers. Its own memory BIO would keep every buffer at the
// largest size that it ever had, for as long as the connection lasts.
struct TlsTransport {
    static TlsStream& stream_of(BIO* bio) noexcept {
        return *static_cast<TlsStream*>(BIO_get_data(bio));
    }

    static int read(BIO* bio, char* into, int size) noexcept {
        BIO_clear_retry_flags(bio);
        auto& stream = stream_of(bio);
        const auto available = stream.incoming_.readable();
        const auto count = std::min(available.size(), static_cast<std::size_t>(std::max(size, 0)));
        if (count == 0) {
            if (stream.incoming_ends_) return 0;
            BIO_set_retry_read(bio);
            return -1;
        }
        std::memcpy(into, available.data(), count);
        stream.incoming_.consume(count);
        return static_cast<int>(count);
    }

    static int write(BIO* bio, const char* bytes, int size) noexcept {
        BIO_clear_retry_flags(bio);
        try {
            stream_of(bio).outgoing_.append({bytes, static_cast<std::size_t>(std::max(size, 0))});
        } catch (const std::bad_alloc&) {
            return -1;  // the stream fails
        }
        return size;
    }

    static long control(BIO* bio, int command, long, void*) noexcept {
        switch (command) {
            case BIO_CTRL_FLUSH:
                return 1;
            case BIO_CTRL_EOF: {
                const auto& stream = stream_of(bio);
                return stream.incoming_ends_ && stream.incoming_.empty() ? 1 : 0;
            }
            default:
                return 0;
        }
    }

    static int create(BIO* bio) noexcept {
        BIO_set_init(bio, 1);
        return 1;
    }

    // OpenSSL wants the table to outlive all that use it.
    static const BIO_METHOD* table() {
        static BIO_METHOD* const methods = [] {
            auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "twincached");
            if (made == nullptr) throw std::bad_alloc();
            BIO_meth_set_read(made, read);
            BIO_meth_set_write(made, write);
            BIO_meth_set_ctrl(made, control);
            BIO_meth_set_create(made, create);
            return made;
        }();
        return methods;
    }
};

namespace {

// What a person who looks into the log should do something about, in plain words.
std::string sentence_of(unsigned long error) {
    switch (ERR_GET_REASON(error)) {
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST:
        case SSL_R_WRONG_VERSION_NUMBER:
            return "what came in is not TLS";
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return "the connection ended without a farewell";
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return "no certificate was shown";
        default:
            break;
    }
    const char* reason = ERR_reason_error_string(error);
    const std::string text = reason != nullptr ? reason : "TLS failed";
    const auto alert = text.find("alert ");
    if (alert != std::string::npos) return "the other end refuses: " + text.substr(alert + 6);
    return text;
}

}  // namespace

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, Side side)
    : context_(std::move(context)), ssl_(SSL_new(context_->native())) {
    auto* bio = ssl_ == nullptr ? nullptr : BIO_new(TlsTransport::table());
    if (bio == nullptr) {
        SSL_free(ssl_);
        ERR_clear_error();
        throw std::bad_alloc();
    }
    BIO_set_data(bio, this);
    SSL_set_bio(ssl_, bio, bio);
    if (side == Side::client) {
        SSL_set_connect_state(ssl_);
    } else {
        SSL_set_accept_state(ssl_);
    }
}

TlsStream::~TlsStream() {
    SSL_free(ssl_);
}

void TlsStream::ask_for_certificate(PeerCertificate peer) noexcept {
    const int mode = peer == PeerCertificate::ignored ? SSL_VERIFY_NONE
                     : peer == PeerCertificate::requested
                         ? SSL_VERIFY_PEER
                         : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_set_verify(ssl_, mode, nullptr);  // null: the context's own function stays
    // What was begun without a certificate must not be resumed where one is required.
    const unsigned char session_context[] = {'t', 'c', static_cast<unsigned char>(mode)};
    SSL_set_session_id_context(ssl_, session_context, sizeof session_context);
}

TlsStream::State TlsStream::shake_hands() noexcept {
    if (state_ != State::handshake) return state_;
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) {
        finish_handshake();
    } else {
        may_go_on(result);
    }
    return state_;
}

// That the pinned certificate was shown is asked here once more: verification that somebody
// managed to leave out must not leave the pin out with it.
void TlsStream::finish_handshake() noexcept {
    if (!context_->is_pinned(SSL_get0_peer_certificate(ssl_))) {
        return fail("the certificate is refused: it is not a pinned one");
    }
    state_ = State::open;
}

std::size_t TlsStream::read(std::span<char> into) noexcept {
    if (shake_hands() != State::open) return 0;
    std::size_t count = 0;
    while (count < into.size() && state_ == State::open) {
        const auto more = read_record(into.subspan(count));
        if (more == 0) break;
        count += more;
    }
    return count;
}

std::size_t TlsStream::read_record(std::span<char> into) noexcept {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_, into.data(), into.size(), &count);
    if (result == 1) return count;
    may_go_on(result);
    return 0;
}

bool TlsStream::write(std::string_view plaintext) noexcept {
    if (state_ != State::open && state_ != State::ended) return false;
    if (plaintext.empty()) return true;
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_, plaintext.data(), plaintext.size(), &count);
    if (result == 1 && count == plaintext.size()) return true;
    // The transport takes everything, so nothing can be left to be tried again.
    if (may_go_on(result)) fail("a record could not be written");
    return false;
}

void TlsStream::say_goodbye() noexcept {
    if (state_ != State::open && state_ != State::ended) return;
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
}

bool TlsStream::may_go_on(int result) noexcept {
    switch (SSL_get_error(ssl_, result)) {
        case SSL_ERROR_WANT_READ:
            return true;
        case SSL_ERROR_ZERO_RETURN:
            state_ = State::ended;
            return false;
        default:
            break;
    }
    const auto error = ERR_peek_error();
    fail({});
    (void)has_memory_for([&] { why_ = sentence_of_failure(error); });
    return false;
}

std::string TlsStream::sentence_of_failure(unsigned long error) const {
    const auto verdict = SSL_get_verify_result(ssl_);
    const bool is_verdict = ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    if (is_verdict && verdict == X509_V_ERR_APPLICATION_VERIFICATION) {
        return "the certificate is refused: it is not a pinned one";
    }
    if (is_verdict) {
        const char* text = X509_verify_cert_error_string(verdict);
        return std::string("the certificate is refused: ") + text;
    }
    return error == 0 ? "the connection ended without a farewell" : sentence_of(error);
}

// The text is left out where there is no memory for it.
void TlsStream::fail(std::string_view why) noexcept {
    state_ = State::failed;
    (void)has_memory_for([&] { why_ = why; });
    ERR_clear_error();
}

bool TlsStream::has_unread() const noexcept {
    return !incoming_.empty() || SSL_has_pending(ssl_) == 1;
}

bool TlsStream::is_resumed() const noexcept {
    return SSL_session_reused(ssl_) == 1;
}

std::string TlsStream::description() const {
    return std::string(SSL_get_version(ssl_)) + ' ' + SSL_get_cipher_name(ssl_);
}

}  // namespace twincached::lib
