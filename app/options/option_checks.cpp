#include "app/options/option_checks.hpp"

#include "app/addresses/endpoint.hpp"
#include "app/addresses/network.hpp"
#include "lib/numbers.hpp"
#include "lib/tls_context.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace twincached::app {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t gib = kib * kib * kib;

// Texts and exit codes are memcached's.
void check_item_size(OptionReader& reader) {
    const auto& options = reader.options();
    const auto size = options.item_size_limit_bytes;
    const auto origin = reader.origin_of("memory", "item-size-limit");
    const auto complain = [&](std::string message) {
        reader.complain(origin, std::move(message), exit_usage);
    };
    if (size < kib) return complain("Item max size cannot be less than 1024 bytes.");
    if (size > gib) return complain("Cannot set item size limit higher than a gigabyte.");
    if (size > options.memory_limit_bytes / 2) {
        return complain("Cannot set item size limit higher than 1/2 of memory max.");
    }
    const auto chunk_kib =
        lib::parse_number<std::uint64_t>(options.reported.find("slab_chunk_max")->second);
    const auto chunk = chunk_kib.value_or(0) * kib;
    if (chunk > size) {
        return complain(fmt::format(
            "slab_chunk_max (bytes: {}) cannot be larger than -I (item_size_max {})", chunk, size));
    }
    if (chunk > 0 && reader.is_set("memcached", "slab_chunk_max") && size % chunk != 0) {
        complain(fmt::format(
            "-I (item_size_max: {}) must be evenly divisible by slab_chunk_max (bytes: {})", size,
            chunk));
    }
}

void check_network(OptionReader& reader) {
    const auto& options = reader.options();
    bool names_a_port = false;
    for (const auto& address : options.listen) {
        const auto listener = parse_listener(address);
        if (listener.has_error()) {
            reader.complain(reader.origin_of("network", "listen"), listener.error(), exit_usage);
        } else {
            names_a_port = names_a_port || listener->endpoint.port.has_value();
        }
    }
    const auto& mask = options.unix_mask;
    const bool is_octal =
        !mask.empty() && mask.size() <= 4 &&
        std::all_of(mask.begin(), mask.end(), [](char c) { return c >= '0' && c <= '7'; });
    if (!is_octal) {
        reader.complain(reader.origin_of("network", "unix-mask"),
                        fmt::format("unix-mask must be an octal mode such as 700, not '{}'", mask),
                        exit_usage);
    }
    if (options.unix_socket.empty() && options.port == 0 && !names_a_port) {
        reader.complain(reader.origin_of("network", "port"),
                        "nothing to listen on: no TCP port and no unix socket", exit_usage);
    }
}

// Texts are memcached's.
void check_access(OptionReader& reader) {
    const auto& options = reader.options();
    const auto complain = [&](std::string_view key, std::string message) {
        reader.complain(reader.origin_of("access", key), std::move(message), exit_usage);
    };
    const bool has_login = !options.auth_file.empty();
    if (options.sasl && options.protocol == "ascii") {
        complain("sasl", "ERROR: You cannot allow the ASCII protocol while using SASL.");
    }
    const auto proxies = parse_networks(options.proxies);
    if (proxies.has_error()) complain("proxy-protocol-from", proxies.error());
    if (has_login && options.protocol == "binary") {
        complain("auth-file",
                 "ERROR: You cannot allow the BINARY protocol while using ascii authentication "
                 "tokens.");
    }
    if (options.sasl && options.udp_port != 0) {
        complain("sasl", "ERROR: Cannot enable UDP while using binary SASL authentication.");
    }
    if (has_login && options.udp_port != 0) {
        complain("auth-file", "Cannot use UDP with ascii authentication enabled (-U 0 to disable)");
    }
}

bool has_mutual_listener(const Options& options) {
    return std::any_of(options.listen.begin(), options.listen.end(), [](const auto& text) {
        const auto listener = parse_listener(text);
        return listener && listener->tls == ListenerTls::mutual;
    });
}

void check_tls(OptionReader& reader) {
    const auto& options = reader.options();
    const auto complain = [&](std::string_view section, std::string_view key,
                              std::string_view message) {
        reader.complain(reader.origin_of(section, key), std::string(message), exit_usage);
    };
    if (!options.tls) {
        if (!has_mutual_listener(options)) return;
        return complain("network", "listen", "a listener with mtls: needs TLS to be on (-Z)");
    }
    if (!options.unix_socket.empty()) {
        complain("tls", "enabled", "ERROR: You cannot enable SSL without a TCP port.");
    }
    if (options.tls_chain_cert.empty()) {
        complain("tls", "enabled", "TLS (-Z) needs a certificate: -o ssl_chain_cert=<file>");
    }
    if (options.tls_key.empty()) {
        complain("tls", "enabled", "TLS (-Z) needs a private key: -o ssl_key=<file>");
    }
    const bool asks = options.tls_verify_mode > 0 || has_mutual_listener(options);
    if (asks && options.tls_ca_cert.empty()) {
        complain("tls", "verify-mode",
                 "clients' certificates cannot be verified without -o ssl_ca_cert=<file>");
    }
}

void check_link_tls(OptionReader& reader) {
    const auto& options = reader.options();
    const auto complain = [&](std::string_view key, std::string message) {
        reader.complain(reader.origin_of("replication", key), std::move(message), exit_usage);
    };
    for (const auto& text : options.link_peer_fingerprints) {
        const auto fingerprint = lib::parse_fingerprint(text);
        if (fingerprint.has_error()) complain("tls-peer-fingerprint", fingerprint.error());
    }
    if (!options.link_tls) return;
    if (options.link_certificate.empty() || options.link_key.empty()) {
        complain("tls", "TLS on the link needs tls-certificate and tls-key");
    }
    if (options.link_peer_name.empty() && options.link_peer_fingerprints.empty()) {
        complain("tls", "TLS on the link needs tls-peer-name or tls-peer-fingerprint: who is it?");
    }
    if (!options.link_peer_name.empty() && options.link_ca.empty()) {
        complain("tls-peer-name", "tls-peer-name needs tls-ca: anybody can write a name");
    }
}

void check_replication(OptionReader& reader) {
    const auto& options = reader.options();
    const auto complain = [&](std::string_view key, std::string message) {
        reader.complain(reader.origin_of("replication", key), std::move(message), exit_usage);
    };
    if (options.driver == "pair" && options.peer.empty()) {
        complain("driver", "driver pair needs a peer (-x, or peer in [replication])");
    }
    if (!options.peer.empty()) {
        const auto peer = parse_endpoint(options.peer);
        if (peer.has_error()) complain("peer", peer.error());
    }
    const auto listen = parse_link_endpoint(options.link_listen);
    if (listen.has_error()) complain("listen", listen.error());
    if (!options.secret.empty() && !options.secret_file.empty()) {
        complain("secret-file", "secret and secret-file exclude each other");
    }
    if (options.ack_required && options.ack != "received") {
        complain("ack-required", "ack-required needs ack = received");
    }
    if (options.silence < 2 * options.heartbeat) {
        complain("silence", "silence must be at least twice the heartbeat");
    }
}

}  // namespace

void check_together(OptionReader& reader) {
    check_item_size(reader);
    check_network(reader);
    check_access(reader);
    check_tls(reader);
    check_replication(reader);
    check_link_tls(reader);
}

}  // namespace twincached::app
