// Which certificates the process has and whom it trusts, as the options say: from paths to loaded
// contexts. Reads files; keeps nothing.
#pragma once

#include "app/options/options.hpp"
#include "lib/tls_context.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

lib::TlsVersion tls_version(const Options& options) noexcept;
// "tlsv1.2", as memcached names it.
std::string_view name_of(lib::TlsVersion version) noexcept;

// What clients are shown, and what is asked of them.
lib::TlsSettings client_tls_settings(const Options& options);

// What the peer is shown, and who it must be.
lib::TlsSettings link_tls_settings(const Options& options);

// Null where TLS is off.
struct Certificates {
    std::shared_ptr<const lib::TlsContext> clients;
    std::shared_ptr<const lib::TlsContext> link;
};

// At start-up, while files that root alone may read can be read. Throws StartError with a sentence
// that names the file.
Certificates load_certificates(const Options& options);

// Files that were read at the start, as root perhaps, and that this process can read no more.
std::vector<std::string> files_lost(const Certificates& certificates);

// A line for the log if a certificate is about to expire, or has.
std::optional<std::string> expiry_warning(const lib::TlsContext& context,
                                          std::int64_t unix_seconds);

}  // namespace twincached::app
