#include "app/process/certificates.hpp"

#include "app/options/option_table.hpp"
#include "app/process/privileges.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <array>
#include <utility>

namespace twincached::app {
namespace {

constexpr std::array<std::string_view, 4> version_names{"tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3"};

lib::PeerCertificate asked_of_clients(const Options& options) noexcept {
    switch (options.tls_verify_mode) {
        case 0:
            return lib::PeerCertificate::ignored;
        case 1:
            return lib::PeerCertificate::requested;
        default:
            return lib::PeerCertificate::required;
    }
}

std::shared_ptr<const lib::TlsContext> load(const lib::TlsSettings& settings) {
    auto context = lib::TlsContext::load(settings);
    if (context.has_error()) throw StartError{context.error(), exit_usage};
    return std::move(*context);
}

}  // namespace

lib::TlsVersion tls_version(const Options& options) noexcept {
    for (std::size_t i = 0; i < version_names.size(); ++i) {
        const auto& text = options.tls_min_version;
        if (text == version_names[i] || text == std::string_view(&"0123"[i], 1)) {
            return static_cast<lib::TlsVersion>(i);
        }
    }
    return lib::TlsVersion::tls_1_2;
}

std::string_view name_of(lib::TlsVersion version) noexcept {
    return version_names[static_cast<std::size_t>(version)];
}

lib::TlsSettings client_tls_settings(const Options& options) {
    lib::TlsSettings settings;
    settings.chain_file = options.tls_chain_cert;
    settings.key_file = options.tls_key;
    settings.key_is_der = options.tls_key_format == "DER";
    settings.ca_file = options.tls_ca_cert;
    settings.ciphers = options.tls_ciphers;
    settings.least_version = tls_version(options);
    settings.peer = asked_of_clients(options);
    settings.resumption = options.tls_session_cache;
    return settings;
}

lib::TlsSettings link_tls_settings(const Options& options) {
    lib::TlsSettings settings;
    settings.chain_file = options.link_certificate;
    settings.key_file = options.link_key;
    settings.ca_file = options.link_ca;
    settings.least_version = lib::TlsVersion::tls_1_3;
    settings.peer = lib::PeerCertificate::required;
    settings.peer_name = options.link_peer_name;
    for (const auto& text : options.link_peer_fingerprints) {
        settings.peer_fingerprints.push_back(*lib::parse_fingerprint(text));  // checked when read
    }
    return settings;
}

Certificates load_certificates(const Options& options) {
    Certificates result;
    if (options.tls) result.clients = load(client_tls_settings(options));
    if (options.link_tls) result.link = load(link_tls_settings(options));
    return result;
}

std::vector<std::string> files_lost(const Certificates& certificates) {
    std::vector<std::string> lost;
    for (const auto& context : {certificates.clients, certificates.link}) {
        if (!context) continue;
        const auto& settings = context->settings();
        for (const auto& path : {settings.chain_file, settings.key_file, settings.ca_file}) {
            if (!path.empty() && ::access(path.c_str(), R_OK) != 0) lost.push_back(path);
        }
    }
    return lost;
}

std::optional<std::string> expiry_warning(const lib::TlsContext& context,
                                          std::int64_t unix_seconds) {
    constexpr std::int64_t day = 86'400;
    constexpr std::int64_t days_before = 14;
    const auto left = context.expires_unix_seconds() - unix_seconds;
    const auto& file = context.settings().chain_file;
    if (left <= 0) return fmt::format("the certificate {} has expired", file);
    if (left > days_before * day) return std::nullopt;
    return fmt::format("the certificate {} expires in {} hours", file, left / 3600);
}

}  // namespace twincached::app
