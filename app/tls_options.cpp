#include "app/tls_options.hpp"

#include <array>

namespace twincached::app {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t seconds = 1000;

constexpr std::array rows = {
    // --- [tls] ------------------------------------------------------------------------------
    Option{.section = "tls",
           .key = "enabled",
           .flag = "enable-ssl",
           .letter = 'Z',
           .target = &Options::tls,
           .initial = "no",
           .bare = true,
           .help = "Clients speak TLS on every TCP listener whose address does not begin with "
                   "notls:.\nOne that begins with mtls: requires a certificate of ca-cert's."},
    Option{.section = "tls",
           .key = "chain-cert",
           .word = "ssl_chain_cert",
           .target = &Options::tls_chain_cert,
           .initial = "",
           .reloadable = true,
           .help = "Our certificate and what leads to its root, PEM. What these files hold is "
                   "read\nagain on SIGHUP and by the command refresh_certs."},
    Option{.section = "tls",
           .key = "key",
           .word = "ssl_key",
           .target = &Options::tls_key,
           .initial = "",
           .reloadable = true,
           .help = "Its private key, without a pass phrase."},
    Option{.section = "tls",
           .key = "key-format",
           .word = "ssl_keyformat",
           .target = &Options::tls_key_format,
           .initial = "PEM",
           .choices = "PEM|DER",
           .help = "Format of the private key."},
    Option{.section = "tls",
           .key = "verify-mode",
           .word = "ssl_verify_mode",
           .target = &Options::tls_verify_mode,
           .initial = "0",
           .most = 3,
           .help = "Clients' certificates: 0 not asked for, 1 asked for, 2 or 3 required."},
    Option{.section = "tls",
           .key = "ca-cert",
           .word = "ssl_ca_cert",
           .target = &Options::tls_ca_cert,
           .initial = "",
           .reloadable = true,
           .help = "Who signs clients' certificates, PEM."},
    Option{.section = "tls",
           .key = "ciphers",
           .word = "ssl_ciphers",
           .target = &Options::tls_ciphers,
           .initial = "",
           .help = "OpenSSL's names with ':' between them, those of TLS 1.3 (TLS_...) as well.\n"
                   "Empty: OpenSSL's choice."},
    Option{.section = "tls",
           .key = "min-version",
           .word = "ssl_min_version",
           .target = &Options::tls_min_version,
           .initial = "tlsv1.2",
           .choices = "tlsv1.0|tlsv1.1|tlsv1.2|tlsv1.3|0|1|2|3",
           .help = "The oldest version of TLS that is spoken (0 to 3: 1.0 to 1.3)."},
    Option{.section = "tls",
           .key = "write-buffer",
           .word = "ssl_wbuf_size",
           .target = &Options::tls_write_buffer_bytes,
           .initial = "16k",
           .least = 1.0 * kib,
           .most = 1024.0 * kib,
           .plain_unit = kib,
           .help = "How much of its answers waits encrypted for a client (plain number: KiB)."},
    Option{.section = "tls",
           .key = "session-cache",
           .word = "ssl_session_cache",
           .target = &Options::tls_session_cache,
           .initial = "no",
           .bare = true,
           .help = "Let clients resume sessions, by tickets. They end with a reload."},
    Option{.section = "tls",
           .key = "handshake-timeout",
           .flag = "tls-handshake-timeout",
           .target = &Options::tls_handshake_timeout,
           .initial = "10s",
           .least = 1.0 * seconds,
           .most = 3600.0 * seconds,
           .plain_unit = seconds,
           .help = "Close clients that have not finished the handshake after this long."},
};

}  // namespace

std::span<const Option> tls_options() noexcept {
    return rows;
}

}  // namespace twincached::app
