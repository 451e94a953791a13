// What all TLS streams of one kind share: our certificate chain and key, whom we trust, and what
// the other end must show. Loaded from files once and never changed: a reload makes another one,
// and streams keep the one that they began with. Any thread may use it.
#pragma once

#include "lib/result.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;
struct x509_st;

namespace twincached::lib {

enum class TlsVersion : std::uint8_t { tls_1_0, tls_1_1, tls_1_2, tls_1_3 };

// What we ask of the other end.
enum class PeerCertificate : std::uint8_t { ignored, requested, required };

// SHA-256 of a certificate in DER form.
using TlsFingerprint = std::array<std::uint8_t, 32>;

// 64 hexadecimal digits, with or without colons between the bytes.
Parsed<TlsFingerprint> parse_fingerprint(std::string_view text);
// "AB:CD:...", as `openssl x509 -fingerprint -sha256` prints it.
std::string fingerprint_text(const TlsFingerprint& fingerprint);

struct TlsSettings {
    std::string chain_file;  // PEM: our certificate first, then what leads to the root; empty: none
    std::string key_file;
    bool key_is_der = false;
    std::string ca_file;  // PEM: whom we trust; empty: nobody
    std::string ciphers;  // OpenSSL's names, ':' between them; empty: its choice
    TlsVersion least_version = TlsVersion::tls_1_2;
    PeerCertificate peer = PeerCertificate::ignored;
    bool resumption = false;  // a client may go on with an earlier session
    // The other end's identity is pinned: it must show a certificate for this name or address,
    std::string peer_name;
    // and one of these certificates. If there is no ca_file, that suffices, within its validity.
    std::vector<TlsFingerprint> peer_fingerprints;
};

class TlsContext {
  public:
    // The error is a sentence that names the file and what is wrong with it.
    static Parsed<std::shared_ptr<const TlsContext>> load(const TlsSettings& settings);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    ssl_ctx_st* native() const noexcept { return context_; }
    const TlsSettings& settings() const noexcept { return settings_; }
    // Of our own certificate.
    const TlsFingerprint& fingerprint() const noexcept { return fingerprint_; }
    std::int64_t expires_unix_seconds() const noexcept { return expires_unix_seconds_; }

    // Whether a certificate is one of those that are pinned. True if none is.
    bool is_pinned(const x509_st* certificate) const noexcept;

  private:
    explicit TlsContext(const TlsSettings& settings);
    Parsed<void> fill();
    Parsed<void> set_protocol();
    Parsed<void> load_own();
    Parsed<void> load_trusted();
    Parsed<void> set_peer();

    const TlsSettings settings_;
    ssl_ctx_st* context_;
    TlsFingerprint fingerprint_{};
    std::int64_t expires_unix_seconds_ = 0;
};

}  // namespace twincached::lib
