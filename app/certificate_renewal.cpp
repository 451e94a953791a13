#include "app/certificate_renewal.hpp"

#include "app/process/tls_options.hpp"
#include "replication/registry.hpp"

#include <memory>
#include <utility>

namespace twincached::app {
namespace {

using Context = std::shared_ptr<const lib::TlsContext>;

// Null if there are no settings.
lib::Parsed<Context> load(const std::optional<lib::TlsSettings>& settings) {
    if (!settings) return Context();
    auto loaded = lib::TlsContext::load(*settings);
    if (loaded.has_error()) return loaded.error();
    return Context(std::move(*loaded));
}

bool has_any(const CertificateSettings& settings) noexcept {
    return settings.clients || settings.link || settings.admin;
}

}  // namespace

CertificateSettings certificate_settings(const Options& options) {
    const auto& clients = options.get<TlsOptions>();
    CertificateSettings settings;
    if (clients.enabled) settings.clients = client_tls_settings(clients);
    settings.admin = admin_tls_settings(options.get<EndpointOptions>());
    settings.link =
        replication::tls_settings(replication::replicator_factories(), options.structs());
    return settings;
}

protocol::CertificateRefresh CertificateRenewal::refresh() {
    const lib::MutexLock lock(mutex_);
    if (!has_any(settings_)) return {};
    if (!refreshes_.allows(SystemClock::boot_ms())) {
        return {true, "asked for too often, certificates are read once a second"};
    }
    const auto renewed = put_in_force(settings_);
    return {true, renewed.has_error() ? renewed.error() : ""};
}

lib::Parsed<void> CertificateRenewal::renew(const CertificateSettings& settings) {
    const lib::MutexLock lock(mutex_);
    if (!has_any(settings)) return {};
    auto renewed = put_in_force(settings);
    if (renewed) settings_ = settings;
    return renewed;
}

lib::Parsed<void> CertificateRenewal::put_in_force(const CertificateSettings& settings) {
    const auto stay = [&](const std::string& problem) {
        parts_.log.error("the certificates in use stay: {}", problem);
        return problem;
    };
    auto link = load(settings.link);
    if (link.has_error()) return stay(link.error());
    auto clients = load(settings.clients);
    if (clients.has_error()) return stay(clients.error());
    auto admin = load(settings.admin);
    if (admin.has_error()) return stay(admin.error());
    warn_of_expiry({*clients, *link, *admin});
    if (*link) {
        const auto taken = parts_.replicator.reload({.tls = *link});
        if (taken.has_error()) return stay(taken.error());
    }
    if (*clients) parts_.clients->use(std::move(*clients), parts_.clock.now().tick());
    if (*admin) parts_.admin.use(std::move(*admin));
    parts_.log.info("the certificates were read again");
    return {};
}

void CertificateRenewal::warn_of_expiry(const Certificates& certificates) {
    for (const auto& context : {certificates.clients, certificates.link, certificates.admin}) {
        if (!context) continue;
        const auto warning = expiry_warning(*context, parts_.clock.now().unix_seconds);
        if (warning) parts_.log.warning("{}", *warning);
    }
}

}  // namespace twincached::app
