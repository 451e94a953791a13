#include "lib/tls_context.hpp"

#include "lib/input/text_file.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <new>

namespace twincached::lib {
namespace {

int native_version(TlsVersion version) noexcept {
    switch (version) {
        case TlsVersion::tls_1_0:
            return TLS1_VERSION;
        case TlsVersion::tls_1_1:
            return TLS1_1_VERSION;
        case TlsVersion::tls_1_2:
            return TLS1_2_VERSION;
        case TlsVersion::tls_1_3:
            return TLS1_3_VERSION;
    }
    return TLS1_2_VERSION;
}

int native_mode(PeerCertificate peer) noexcept {
    switch (peer) {
        case PeerCertificate::ignored:
            return SSL_VERIFY_NONE;
        case PeerCertificate::requested:
            return SSL_VERIFY_PEER;
        case PeerCertificate::required:
            return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

// Nobody is there to be asked for a pass phrase.
int no_pass_phrase(char*, int, int, void*) noexcept {
    return 0;
}

// The first error of the queue is the cause, those behind it tell how OpenSSL took it. Emptied:
// what stays there would be found by the next stream of the thread.
std::string reason() {
    const auto error = ERR_peek_error();
    const char* text = ERR_reason_error_string(error);
    std::string result = text != nullptr ? text : "unknown error";
    ERR_clear_error();
    return result;
}

// OpenSSL's own words for a file that cannot be read at all are no help. It reads the file anew:
// what a pipe has said it does not say again.
Parsed<void> check_readable(const char* what, const std::string& path) {
    if (path.empty()) return std::string("TLS needs ") + what;
    const auto cannot = [&](const std::string& why) {
        return std::string("cannot read ") + what + ' ' + path + ": " + why;
    };
    std::error_code ignored;
    if (std::filesystem::is_fifo(path, ignored)) return cannot("it is a pipe");
    const auto content = read_text_file(path);
    if (content.has_error()) return cannot(content.error());
    return {};
}

TlsFingerprint fingerprint_of(const X509* certificate) noexcept {
    TlsFingerprint digest{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) digest.fill(0);
    return digest;
}

// Unix seconds; 0 if it says no time, which then warns of nothing.
std::int64_t expiry_of(const X509* certificate) noexcept {
    std::tm time{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return 0;
    return ::timegm(&time);
}

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// TLS 1.3 has a list of its own, whose names begin alike.
struct CipherLists {
    explicit CipherLists(std::string_view all) {
        while (!all.empty()) {
            const auto colon = all.find(':');
            const auto name = all.substr(0, colon);
            auto& list = name.starts_with("TLS_") ? tls_1_3 : earlier;
            if (!list.empty()) list += ':';
            list += name;
            all.remove_prefix(colon == std::string_view::npos ? all.size() : colon + 1);
        }
    }
    std::string tls_1_3;
    std::string earlier;
};

// Errors that only say that nobody known has signed the certificate: with a pin alone that is not
// asked. Whatever else is wrong with it, an expired date for one, stays wrong.
bool is_lack_of_trust(int error) noexcept {
    switch (error) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_CERT_UNTRUSTED:
            return true;
        default:
            return false;
    }
}

const TlsContext& context_of(X509_STORE_CTX* store) noexcept {
    const auto* stream = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    return *static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(stream)));
}

// Called by OpenSSL for each certificate of the chain, the last one first; the pin is of the peer's
// own.
int verify(int is_good, X509_STORE_CTX* store) noexcept {
    const auto& context = context_of(store);
    if (!context.is_pinned(X509_STORE_CTX_get0_cert(store))) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    const auto& settings = context.settings();
    const bool pin_suffices = settings.ca_file.empty() && !settings.peer_fingerprints.empty();
    if (is_good == 0 && pin_suffices && is_lack_of_trust(X509_STORE_CTX_get_error(store))) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    return is_good;
}

}  // namespace

Parsed<TlsFingerprint> parse_fingerprint(std::string_view text) {
    TlsFingerprint result{};
    std::size_t digits = 0;
    for (const char c : text) {
        if (c == ':') continue;
        const int digit = hex_digit(c);
        if (digit < 0 || digits == 2 * result.size()) {
            digits = 0;
            break;
        }
        auto& byte = result[digits++ / 2];
        byte = static_cast<std::uint8_t>(byte << 4 | digit);
    }
    if (digits != 2 * result.size()) {
        return "a fingerprint is the SHA-256 of a certificate, 64 hexadecimal digits, not '" +
               std::string(text) + "'";
    }
    return result;
}

std::string fingerprint_text(const TlsFingerprint& fingerprint) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    for (const auto byte : fingerprint) {
        if (!text.empty()) text += ':';
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

TlsContext::TlsContext(const TlsSettings& settings)
    : settings_(settings), context_(SSL_CTX_new(TLS_method())) {
    if (context_ == nullptr) throw std::bad_alloc();
    SSL_CTX_set_app_data(context_, this);
}

TlsContext::~TlsContext() {
    SSL_CTX_free(context_);
}

// Whole or not at all, so that a reload which fails leaves what there was. A stream keeps the
// context that it began with.
Parsed<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsSettings& settings) {
    ERR_clear_error();
    std::shared_ptr<TlsContext> context(new TlsContext(settings));
    const auto filled = context->fill();
    ERR_clear_error();
    if (filled.has_error()) return filled.error();
    return std::shared_ptr<const TlsContext>(std::move(context));
}

Parsed<void> TlsContext::fill() {
    for (const auto step : {&TlsContext::set_protocol, &TlsContext::load_own,
                            &TlsContext::load_trusted, &TlsContext::set_peer}) {
        auto done = (this->*step)();
        if (done.has_error()) return done;
    }
    return {};
}

Parsed<void> TlsContext::set_protocol() {
    SSL_CTX_set_min_proto_version(context_, native_version(settings_.least_version));
    SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE);
    // An idle stream gives its record buffers (33 KiB) back.
    SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // Resumption is by tickets, which cost no memory here.
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    if (!settings_.resumption) {
        SSL_CTX_set_options(context_, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context_, 0);
    }
    constexpr unsigned char session_context[] = "twincached";
    SSL_CTX_set_session_id_context(context_, session_context, sizeof session_context - 1);
    const CipherLists lists(settings_.ciphers);
    const bool are_known =
        (lists.tls_1_3.empty() || SSL_CTX_set_ciphersuites(context_, lists.tls_1_3.c_str()) == 1) &&
        (lists.earlier.empty() || SSL_CTX_set_cipher_list(context_, lists.earlier.c_str()) == 1);
    if (!are_known) return "no TLS cipher is known by '" + settings_.ciphers + "'";
    return {};
}

// A client need not show who it is.
Parsed<void> TlsContext::load_own() {
    const auto& chain = settings_.chain_file;
    const auto& key = settings_.key_file;
    if (chain.empty() && key.empty()) return {};
    auto readable = check_readable("the certificate", chain);
    if (readable) readable = check_readable("the private key", key);
    if (readable.has_error()) return readable;
    SSL_CTX_set_default_passwd_cb(context_, no_pass_phrase);
    if (SSL_CTX_use_certificate_chain_file(context_, chain.c_str()) != 1) {
        return chain + " holds no usable certificate (PEM): " + reason();
    }
    const int format = settings_.key_is_der ? SSL_FILETYPE_ASN1 : SSL_FILETYPE_PEM;
    if (SSL_CTX_use_PrivateKey_file(context_, key.c_str(), format) != 1) {
        const auto why = reason();
        // OpenSSL compares the two as soon as it has both.
        if (why.find("mismatch") != std::string::npos) {
            return "the private key " + key + " does not belong to the certificate " + chain;
        }
        return key + " holds no usable private key (" + (settings_.key_is_der ? "DER" : "PEM") +
               ", without a pass phrase): " + why;
    }
    if (SSL_CTX_check_private_key(context_) != 1) {
        return "the private key " + key + " does not belong to the certificate " + chain;
    }
    const X509* certificate = SSL_CTX_get0_certificate(context_);
    fingerprint_ = fingerprint_of(certificate);
    expires_unix_seconds_ = expiry_of(certificate);
    return {};
}

// The names of the authorities go to clients, too, as a hint at which certificate to show.
Parsed<void> TlsContext::load_trusted() {
    const auto& file = settings_.ca_file;
    if (file.empty()) return {};
    auto readable = check_readable("the CA certificates", file);
    if (readable.has_error()) return readable;
    if (SSL_CTX_load_verify_file(context_, file.c_str()) != 1) {
        return file + " holds no usable CA certificate (PEM): " + reason();
    }
    SSL_CTX_set_client_CA_list(context_, SSL_load_client_CA_file(file.c_str()));
    return {};
}

// An address is looked for among the certificate's addresses, a name among its names. No wildcards:
// there is one peer.
Parsed<void> TlsContext::set_peer() {
    SSL_CTX_set_verify(context_, native_mode(settings_.peer), verify);
    if (settings_.peer_name.empty()) return {};
    auto* expected = SSL_CTX_get0_param(context_);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_WILDCARDS);
    const auto& name = settings_.peer_name;
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) == 1) return {};
    ERR_clear_error();
    if (X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size()) == 1) return {};
    return "'" + name + "' is no name that a certificate could be for";
}

bool TlsContext::is_pinned(const X509* certificate) const noexcept {
    const auto& pinned = settings_.peer_fingerprints;
    if (pinned.empty()) return true;
    if (certificate == nullptr) return false;
    return std::find(pinned.begin(), pinned.end(), fingerprint_of(certificate)) != pinned.end();
}

}  // namespace twincached::lib
