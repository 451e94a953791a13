#include "app/process/tls_options.hpp"

#include <array>

namespace twincached::app {
namespace {

constexpr std::array<std::string_view, 4> version_names{"tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3"};

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t seconds = 1000;

// OpenSSL's: SSL_FILETYPE_PEM and SSL_FILETYPE_ASN1.
std::string key_format_number(std::string_view plain) {
    return plain == "DER" ? "2" : "1";
}

std::string version_name(std::string_view plain) {
    return std::string(name_of(tls_version(plain)));
}

// Beside each key stands memcached's word for it (-o ssl_...), and what its settings call it.
constexpr std::array rows = {
    lib::OptionRow{.section = "tls",
                   .key = "enabled",
                   .flag = "enable-ssl",
                   .letter = 'Z',
                   .fills = lib::fills<&TlsOptions::enabled>,
                   .initial = "no",
                   .bare = true,
                   .setting = {.place = 64, .name = "ssl_enabled"},
                   .help = "Clients speak TLS on every TCP listener whose address does not begin "
                           "with notls:.\nOne that begins with mtls: lets in who shows a "
                           "certificate that ca-cert has signed."},
    lib::OptionRow{.section = "tls",
                   .key = "chain-cert",
                   .word = "ssl_chain_cert",
                   .fills = lib::fills<&TlsOptions::chain_cert>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "certificates",
                   .setting = {.place = 65, .name = "ssl_chain_cert", .if_empty = "(null)"},
                   .help =
                       "Our certificate and what leads to its root, PEM. What these files hold is "
                       "read\nagain on SIGHUP and by the command refresh_certs."},
    lib::OptionRow{.section = "tls",
                   .key = "key",
                   .word = "ssl_key",
                   .fills = lib::fills<&TlsOptions::key>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "certificates",
                   .setting = {.place = 66, .name = "ssl_key", .if_empty = "(null)"},
                   .help = "The private key of chain-cert, without a pass phrase."},
    lib::OptionRow{.section = "tls",
                   .key = "key-format",
                   .word = "ssl_keyformat",
                   .fills = lib::fills<&TlsOptions::key_format>,
                   .initial = "PEM",
                   .choices = "PEM|DER",
                   .setting = {.place = 68, .name = "ssl_keyformat", .shown = key_format_number},
                   .help = "Format of the private key."},
    lib::OptionRow{.section = "tls",
                   .key = "verify-mode",
                   .word = "ssl_verify_mode",
                   .fills = lib::fills<&TlsOptions::verify_mode>,
                   .initial = "0",
                   .most = 3,
                   .setting = {.place = 67, .name = "ssl_verify_mode"},
                   .help = "Clients' certificates: 0 not asked for, 1 asked for, 2 or 3 required."},
    lib::OptionRow{.section = "tls",
                   .key = "ca-cert",
                   .word = "ssl_ca_cert",
                   .fills = lib::fills<&TlsOptions::ca_cert>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "certificates",
                   .setting = {.place = 70, .name = "ssl_ca_cert"},
                   .help = "Who signs clients' certificates, PEM."},
    lib::OptionRow{
        .section = "tls",
        .key = "ciphers",
        .word = "ssl_ciphers",
        .fills = lib::fills<&TlsOptions::ciphers>,
        .initial = "",
        .setting = {.place = 69, .name = "ssl_ciphers"},
        .help = "OpenSSL's names with ':' between them, those of TLS 1.3 (TLS_...) as well.\n"
                "Empty: OpenSSL's choice."},
    lib::OptionRow{.section = "tls",
                   .key = "min-version",
                   .word = "ssl_min_version",
                   .fills = lib::fills<&TlsOptions::min_version>,
                   .initial = "tlsv1.2",
                   .choices = "tlsv1.0|tlsv1.1|tlsv1.2|tlsv1.3|0|1|2|3",
                   .setting = {.place = 74, .name = "ssl_min_version", .shown = version_name},
                   .help = "The oldest version of TLS that is spoken (0 to 3: 1.0 to 1.3)."},
    lib::OptionRow{.section = "tls",
                   .key = "write-buffer",
                   .word = "ssl_wbuf_size",
                   .fills = lib::fills_bytes<&TlsOptions::write_buffer_bytes>,
                   .initial = "16k",
                   .least = 1.0 * kib,
                   .most = 1024.0 * kib,
                   .plain_unit = kib,
                   .setting = {.place = 71, .name = "ssl_wbuf_size"},
                   .help = "How much of its answers waits encrypted for a client."},
    lib::OptionRow{.section = "tls",
                   .key = "session-cache",
                   .word = "ssl_session_cache",
                   .fills = lib::fills<&TlsOptions::session_cache>,
                   .initial = "no",
                   .bare = true,
                   .setting = {.place = 72, .name = "ssl_session_cache"},
                   .help = "Let clients resume sessions, by tickets, which a reload makes void."},
    lib::OptionRow{.section = "tls",
                   .key = "handshake-timeout",
                   .flag = "tls-handshake-timeout",
                   .fills = lib::fills<&TlsOptions::handshake_timeout>,
                   .initial = "10s",
                   .least = 1.0 * seconds,
                   .most = 3600.0 * seconds,
                   .help = "Close clients that have not finished the handshake after this long."},
};

}  // namespace

std::span<const lib::OptionRow> tls_option_rows() noexcept {
    return rows;
}

std::vector<lib::OptionProblem> problems_of(const TlsOptions& options) {
    std::vector<lib::OptionProblem> problems;
    if (options.chain_cert.empty()) {
        problems.push_back(
            {"tls", "enabled", "TLS (-Z) needs a certificate: -o ssl_chain_cert=<file>"});
    }
    if (options.key.empty()) {
        problems.push_back({"tls", "enabled", "TLS (-Z) needs a private key: -o ssl_key=<file>"});
    }
    return problems;
}

lib::TlsVersion tls_version(std::string_view written) noexcept {
    constexpr std::string_view numbers = "0123";
    for (std::size_t i = 0; i < version_names.size(); ++i) {
        if (written == version_names[i] || written == numbers.substr(i, 1)) {
            return static_cast<lib::TlsVersion>(i);
        }
    }
    return lib::TlsVersion::tls_1_2;
}

std::string_view name_of(lib::TlsVersion version) noexcept {
    return version_names[static_cast<std::size_t>(version)];
}

}  // namespace twincached::app
