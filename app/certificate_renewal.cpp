#include "app/certificate_renewal.hpp"

#include <memory>
#include <utility>

namespace twincached::app {

protocol::CertificateRefresh CertificateRenewal::refresh() {
    if (!certificates_.clients && !certificates_.link) return {};
    const auto loaded = read_again();
    if (loaded) {
        parts_.log.info("the certificates were read again");
        return {true};
    }
    parts_.log.error("the certificates in use stay: {}", loaded.error());
    return {true, loaded.error()};
}

// The link's first: clients get nothing new while it has an error.
lib::Parsed<void> CertificateRenewal::read_again() {
    std::shared_ptr<const lib::TlsContext> link;
    if (certificates_.link) {
        auto loaded = lib::TlsContext::load(certificates_.link->settings());
        if (loaded.has_error()) return loaded.error();
        link = std::move(*loaded);
        warn_of_expiry(link.get());
    }
    if (parts_.clients != nullptr) {
        const auto loaded = parts_.clients->reload(parts_.clock.now().tick());
        if (loaded.has_error()) return loaded.error();
    }
    if (link) parts_.replicator.use_tls(std::move(link));
    return {};
}

void CertificateRenewal::warn_of_expiry() {
    warn_of_expiry(certificates_.clients.get());
    warn_of_expiry(certificates_.link.get());
}

void CertificateRenewal::warn_of_expiry(const lib::TlsContext* certificate) {
    if (certificate == nullptr) return;
    const auto warning = expiry_warning(*certificate, parts_.clock.now().unix_seconds);
    if (warning) parts_.log.warning("{}", *warning);
}

}  // namespace twincached::app
