#include "app/replication_options.hpp"

#include "app/addresses/endpoint.hpp"
#include "app/listeners/listener_options.hpp"
#include "storage/store_options.hpp"

#include <array>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

constexpr double largest_port = 65535;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::uint64_t seconds = 1000;
constexpr std::uint64_t hours = 3600 * seconds;

constexpr std::array rows = {
    lib::OptionRow{
        .section = "replication",
        .key = "driver",
        .flag = "replication-driver",
        .fills = lib::fills<&ReplicationOptions::driver>,
        .initial = "auto",
        .choices = "auto|none|pair",
        .help =
            "How this node is replicated: none, pair, or auto, which is pair if there is a peer."},
    lib::OptionRow{.section = "replication",
                   .key = "peer",
                   .flag = "peer",
                   .letter = 'x',
                   .fills = lib::fills<&ReplicationOptions::peer>,
                   .initial = "",
                   .help = "The other node: host, host:port or [ipv6]:port of its link."},
    lib::OptionRow{.section = "replication",
                   .key = "peer-port",
                   .flag = "peer-port",
                   .fills = lib::fills<&ReplicationOptions::peer_port>,
                   .initial = "11212",
                   .least = 1,
                   .most = largest_port,
                   .help = "Port of the other node's link, if peer names none."},
    lib::OptionRow{.section = "replication",
                   .key = "listen",
                   .flag = "link-listen",
                   .fills = lib::fills<&ReplicationOptions::link_listen>,
                   .initial = "11212",
                   .help = "Where the other node finds us: port, host:port or [ipv6]:port."},
    lib::OptionRow{
        .section = "replication",
        .key = "node",
        .flag = "node",
        .fills = lib::fills<&ReplicationOptions::node>,
        .initial = "",
        .choices = "|a|b",
        .help = "a or b, another on each node. Empty: the lower address of the two is a."},
    lib::OptionRow{.section = "replication",
                   .key = "cluster",
                   .flag = "cluster",
                   .fills = lib::fills<&ReplicationOptions::cluster>,
                   .initial = "twincached",
                   .help = "Name of the pair; nodes of different names refuse each other."},
    lib::OptionRow{.section = "replication",
                   .key = "secret",
                   .fills = lib::fills<&ReplicationOptions::secret>,
                   .initial = "",
                   .secret = true,
                   .help = "What both nodes know and nobody else: proves them to each other."},
    lib::OptionRow{.section = "replication",
                   .key = "secret-file",
                   .flag = "secret-file",
                   .fills = lib::fills<&ReplicationOptions::secret_file>,
                   .initial = "",
                   .path = true,
                   .help = "A file with the secret in its first line, instead of `secret`."},
    lib::OptionRow{
        .section = "replication",
        .key = "ack",
        .flag = "ack",
        .fills = lib::fills<&ReplicationOptions::ack>,
        .initial = "async",
        .choices = "async|received",
        .help = "When a change is answered. async: at once; received: when the other node has it."},
    lib::OptionRow{
        .section = "replication",
        .key = "ack-timeout",
        .flag = "ack-timeout",
        .fills = lib::fills<&ReplicationOptions::ack_timeout>,
        .initial = "50ms",
        .least = 1,
        .most = 60.0 * seconds,
        .help = "How long an answer waits; then none does until the link is well again."},
    lib::OptionRow{.section = "replication",
                   .key = "ack-required",
                   .flag = "ack-required",
                   .fills = lib::fills<&ReplicationOptions::ack_required>,
                   .initial = "no",
                   .bare = true,
                   .help = "Answer a change that the other node did not confirm with an error."},
    lib::OptionRow{
        .section = "replication",
        .key = "on-split",
        .flag = "on-split",
        .fills = lib::fills<&ReplicationOptions::on_split>,
        .initial = "both",
        .choices = "both|secondary-readonly|secondary-closed",
        .reloaded_by = "replication",
        .help = "Who serves when the peer falls silent: both nodes, or fully the primary alone."},
    lib::OptionRow{.section = "replication",
                   .key = "on-peer-crash",
                   .flag = "on-peer-crash",
                   .fills = lib::fills<&ReplicationOptions::on_peer_crash>,
                   .initial = "keep",
                   .choices = "keep|flush",
                   .help = "What a node does with its items when the peer is lost. keep: goes on "
                           "with them; flush:\nforgets them all, for some may be outdated."},
    lib::OptionRow{
        .section = "replication",
        .key = "link-protocol",
        .flag = "link-protocol",
        .fills = lib::fills<&ReplicationOptions::link_protocol>,
        .initial = "2",
        .least = 1,
        .most = 2,
        .help = "Newest version of the link's protocol to speak; the peer may be one behind."},
    lib::OptionRow{.section = "replication",
                   .key = "log-memory",
                   .flag = "log-memory",
                   .fills = lib::fills_bytes<&ReplicationOptions::log_memory_bytes>,
                   .initial = "64m",
                   .least = 64.0 * kib,
                   .plain_unit = mib,
                   .help = "Memory for changes that the other node has not confirmed yet."},
    lib::OptionRow{.section = "replication",
                   .key = "sync-rate",
                   .flag = "sync-rate",
                   .fills = lib::fills_bytes<&ReplicationOptions::sync_rate_bytes>,
                   .initial = "0",
                   .help = "Bytes per second of a resync; 0: as fast as it goes."},
    lib::OptionRow{
        .section = "replication",
        .key = "scrub-interval",
        .flag = "scrub-interval",
        .fills = lib::fills<&ReplicationOptions::scrub_interval>,
        .initial = "1h",
        .most = 10000.0 * hours,
        .help = "All items are compared with the other node's once in this time; 0: never."},
    lib::OptionRow{.section = "replication",
                   .key = "boot-grace",
                   .flag = "boot-grace",
                   .fills = lib::fills<&ReplicationOptions::boot_grace>,
                   .initial = "3s",
                   .most = 24.0 * hours,
                   .help = "How long a starting node looks for the other before it serves alone."},
    lib::OptionRow{.section = "replication",
                   .key = "heartbeat",
                   .flag = "heartbeat",
                   .fills = lib::fills<&ReplicationOptions::heartbeat>,
                   .initial = "200ms",
                   .least = 10,
                   .most = 60.0 * seconds,
                   .help = "Pause between signs of life on the link."},
    lib::OptionRow{.section = "replication",
                   .key = "silence",
                   .flag = "silence",
                   .fills = lib::fills<&ReplicationOptions::silence>,
                   .initial = "1s",
                   .least = 50,
                   .most = 600.0 * seconds,
                   .help = "After this much silence the other node counts as gone."},
    lib::OptionRow{
        .section = "replication",
        .key = "sync-serve-timeout",
        .flag = "sync-serve-timeout",
        .fills = lib::fills<&ReplicationOptions::sync_serve_timeout>,
        .initial = "5m",
        .most = 24.0 * hours,
        .help = "A first synchronisation that takes longer no longer holds the client port."},
    lib::OptionRow{.section = "replication",
                   .key = "drain-timeout",
                   .flag = "drain-timeout",
                   .fills = lib::fills<&ReplicationOptions::drain_timeout>,
                   .initial = "5s",
                   .most = 3600.0 * seconds,
                   .help = "How long a stop waits for the other node to receive the last changes."},
    lib::OptionRow{.section = "replication",
                   .key = "clock-max-ahead",
                   .flag = "clock-max-ahead",
                   .fills = lib::fills<&ReplicationOptions::clock_max_ahead>,
                   .initial = "24h",
                   .least = 1.0 * hours,
                   .most = 10000.0 * hours,
                   .plain_unit = hours,
                   .help = "Refuse a peer whose clock is ahead by more than this."},
    lib::OptionRow{
        .section = "replication",
        .key = "tls",
        .flag = "link-tls",
        .fills = lib::fills<&ReplicationOptions::link_tls>,
        .initial = "no",
        .bare = true,
        .help =
            "Speak TLS 1.3 with the other node, which must do so, too, and show its certificate."},
    lib::OptionRow{.section = "replication",
                   .key = "tls-certificate",
                   .flag = "link-tls-certificate",
                   .fills = lib::fills<&ReplicationOptions::link_certificate>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "certificates",
                   .help = "This node's certificate on the link, PEM, and what leads to its root."},
    lib::OptionRow{.section = "replication",
                   .key = "tls-key",
                   .flag = "link-tls-key",
                   .fills = lib::fills<&ReplicationOptions::link_key>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "certificates",
                   .help = "Its private key, PEM, without a pass phrase."},
    lib::OptionRow{
        .section = "replication",
        .key = "tls-ca",
        .flag = "link-tls-ca",
        .fills = lib::fills<&ReplicationOptions::link_ca>,
        .initial = "",
        .path = true,
        .reloaded_by = "certificates",
        .help = "Who signs the other node's certificate, PEM. Needed with tls-peer-name."},
    lib::OptionRow{.section = "replication",
                   .key = "tls-peer-name",
                   .flag = "link-tls-peer-name",
                   .fills = lib::fills<&ReplicationOptions::link_peer_name>,
                   .initial = "",
                   .help = "The name or address that the other node's certificate must be for."},
    lib::OptionRow{
        .section = "replication",
        .key = "tls-peer-fingerprint",
        .flag = "link-tls-peer-fingerprint",
        .fills = lib::fills<&ReplicationOptions::link_peer_fingerprints>,
        .initial = "",
        .help = "SHA-256 of the certificate that the other node must show; several, separated "
                "by\ncommas, while it is exchanged. Without tls-ca it may be self-signed."},
};

std::string first_line_of(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) {
        throw std::runtime_error("cannot read a secret from " + path);
    }
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) throw std::runtime_error("the secret in " + path + " is empty");
    return line;
}

// A node whose clients find it at one address is found there by its peer, too: two nodes of one
// machine do not collide on the link's port, and the peer is called from the address it knows.
std::string link_host(const std::string& configured, const std::vector<std::string>& clients) {
    if (!configured.empty() || clients.size() != 1) return configured;
    const auto only = parse_listener(clients.front());
    return only ? only->endpoint.host : configured;
}

}  // namespace

std::span<const lib::OptionRow> replication_option_rows() noexcept {
    return rows;
}

replication::Options replication_options(const Options& all) {
    const auto& options = all.get<ReplicationOptions>();
    replication::Options result;
    result.driver = options.driver;
    result.cluster = options.cluster;
    if (options.driver != "none" && !options.peer.empty()) {
        const auto peer = parse_endpoint(options.peer);  // checked when it was read
        result.peer_host = peer->host;
        result.peer_port = peer->port.value_or(static_cast<std::uint16_t>(options.peer_port));
    }
    const auto listen = parse_link_endpoint(options.link_listen);
    result.listen_host = link_host(listen->host, all.get<ListenerOptions>().listen);
    result.listen_port = listen->port.value_or(result.listen_port);
    result.node = options.node;
    result.secret =
        options.secret_file.empty() ? options.secret : first_line_of(options.secret_file);
    result.ack_received = options.ack == "received";
    result.ack = {options.ack_timeout, options.ack_required};
    result.log_memory_bytes = options.log_memory_bytes;
    result.sync_rate_bytes = options.sync_rate_bytes;
    result.scrub_interval = options.scrub_interval;
    result.boot_grace = options.boot_grace;
    result.heartbeat = options.heartbeat;
    result.silence = options.silence;
    result.sync_serve_timeout = options.sync_serve_timeout;
    result.drain_timeout = options.drain_timeout;
    result.clock_max_ahead =
        std::chrono::duration_cast<std::chrono::hours>(options.clock_max_ahead);
    result.item_size_limit_bytes = all.get<storage::StoreOptions>().item_size_limit_bytes;
    result.software_version = TWINCACHED_VERSION;
    result.on_split = on_split_policy(options);
    result.flush_on_peer_crash = options.on_peer_crash == "flush";
    result.link_protocol = static_cast<std::uint16_t>(options.link_protocol);
    result.settings = "ack=" + options.ack + (options.ack_required ? " ack-required" : "") +
                      " on-split=" + options.on_split + " on-peer-crash=" + options.on_peer_crash;
    return result;
}

replication::OnSplit on_split_policy(const ReplicationOptions& options) {
    if (options.on_split == "secondary-readonly") return replication::OnSplit::secondary_read_only;
    if (options.on_split == "secondary-closed") return replication::OnSplit::secondary_closed;
    return replication::OnSplit::both_serve;
}

lib::TlsSettings link_tls_settings(const ReplicationOptions& options) {
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

std::vector<lib::OptionProblem> problems_of(const ReplicationOptions& options) {
    std::vector<lib::OptionProblem> problems;
    const auto complain = [&](std::string_view key, std::string message) {
        problems.push_back({"replication", key, std::move(message)});
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
    for (const auto& text : options.link_peer_fingerprints) {
        const auto fingerprint = lib::parse_fingerprint(text);
        if (fingerprint.has_error()) complain("tls-peer-fingerprint", fingerprint.error());
    }
    if (!options.link_tls) return problems;
    if (options.link_certificate.empty() || options.link_key.empty()) {
        complain("tls", "TLS on the link needs tls-certificate and tls-key");
    }
    if (options.link_peer_name.empty() && options.link_peer_fingerprints.empty()) {
        complain("tls", "TLS on the link needs tls-peer-name or tls-peer-fingerprint: who is it?");
    }
    if (!options.link_peer_name.empty() && options.link_ca.empty()) {
        complain("tls-peer-name", "tls-peer-name needs tls-ca: anybody can write a name");
    }
    return problems;
}

}  // namespace twincached::app
