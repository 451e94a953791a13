// What an operator may decide of TLS for clients. Plain values; certificates.hpp makes contexts of
// them.
#pragma once

#include "lib/option_row.hpp"
#include "lib/tls_context.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

struct TlsOptions {
    bool enabled{};
    // Files.
    std::string chain_cert;
    std::string key;
    std::string ca_cert;
    std::string key_format;      // PEM | DER
    std::int32_t verify_mode{};  // memcached's: 0 nobody is asked, 1 asked, 2 and 3 must show one
    std::string ciphers;
    std::string min_version;             // as written; see tls_version
    std::uint64_t write_buffer_bytes{};  // how much of its answers waits encrypted for a client
    bool session_cache{};
    std::chrono::milliseconds handshake_timeout{};
};

std::span<const lib::OptionRow> tls_option_rows() noexcept;

// REQUIRES: enabled.
std::vector<lib::OptionProblem> problems_of(const TlsOptions& options);

// "tlsv1.2" or memcached's number for it. REQUIRES: a choice of min-version's row.
lib::TlsVersion tls_version(std::string_view written) noexcept;
// "tlsv1.2", as memcached names it.
std::string_view name_of(lib::TlsVersion version) noexcept;

}  // namespace twincached::app
