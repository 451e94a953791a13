#include "app/process/certificates.hpp"

#include "app/process/privileges.hpp"

#include <fmt/format.h>

#include <utility>

namespace twincached::app {
namespace {

lib::PeerCertificate asked_of_clients(const TlsOptions& options) noexcept {
    switch (options.verify_mode) {
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
    if (context.has_error()) throw StartError{context.error(), lib::exit_usage};
    return std::move(*context);
}

}  // namespace

lib::TlsSettings client_tls_settings(const TlsOptions& options) {
    lib::TlsSettings settings;
    settings.chain_file = options.chain_cert;
    settings.key_file = options.key;
    settings.key_is_der = options.key_format == "DER";
    settings.ca_file = options.ca_cert;
    settings.ciphers = options.ciphers;
    settings.least_version = tls_version(options.min_version);
    settings.peer = asked_of_clients(options);
    settings.resumption = options.session_cache;
    return settings;
}

Certificates load_certificates(const CertificateSettings& settings) {
    Certificates result;
    if (settings.clients) result.clients = load(*settings.clients);
    if (settings.link) result.link = load(*settings.link);
    if (settings.admin) result.admin = load(*settings.admin);
    return result;
}

std::optional<std::string> expiry_warning(const lib::TlsContext& context,
                                          std::int64_t unix_seconds) {
    if (context.settings().chain_file.empty()) return std::nullopt;  // it shows none of its own
    constexpr std::int64_t day = 86'400;
    constexpr std::int64_t days_before = 14;
    const auto left = context.expires_unix_seconds() - unix_seconds;
    const auto& file = context.settings().chain_file;
    if (left <= 0) return fmt::format("the certificate {} has expired", file);
    if (left > days_before * day) return std::nullopt;
    return fmt::format("the certificate {} expires in {} hours", file, left / 3600);
}

}  // namespace twincached::app
