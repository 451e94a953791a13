// Which certificates the process has and whom it trusts: from paths to loaded contexts. Reads
// files; keeps nothing.
#pragma once

#include "app/process/tls_options.hpp"
#include "lib/tls_context.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace twincached::app {

// What clients are shown, and what is asked of them.
lib::TlsSettings client_tls_settings(const TlsOptions& options);

// None where TLS is off.
struct CertificateSettings {
    std::optional<lib::TlsSettings> clients;
    std::optional<lib::TlsSettings> link;
    std::optional<lib::TlsSettings> admin;
};

// Null where TLS is off.
struct Certificates {
    std::shared_ptr<const lib::TlsContext> clients;
    std::shared_ptr<const lib::TlsContext> link;
    std::shared_ptr<const lib::TlsContext> admin;
};

// At start-up, while files that root alone may read can be read. Throws StartError with a sentence
// that names the file.
Certificates load_certificates(const CertificateSettings& settings);

// A line for the log if a certificate is about to expire, or has.
std::optional<std::string> expiry_warning(const lib::TlsContext& context,
                                          std::int64_t unix_seconds);

}  // namespace twincached::app
