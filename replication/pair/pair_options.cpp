#include "replication/pair/pair_options.hpp"

#include "lib/input/endpoint.hpp"
#include "lib/sizes.hpp"
#include "replication/ack_gate.hpp"
#include "replication/replication_options.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::replication::pair {
namespace {

constexpr double largest_port = 65535;
constexpr std::uint64_t seconds = 1000;
constexpr std::uint64_t hours = 3600 * seconds;
// A second. At less, even the 64 MiB that a node has by default take longer than 15 minutes.
constexpr std::uint64_t slow_sync_rate_bytes = 64 * 1024;

constexpr std::array rows = {
    lib::OptionRow{.section = "replication",
                   .key = "peer",
                   .flag = "peer",
                   .letter = 'x',
                   .fills = lib::fills<&PairOptions::peer>,
                   .initial = "",
                   .once = true,
                   .help = "The other node: host, host:port or [ipv6]:port of its link."},
    lib::OptionRow{.section = "replication",
                   .key = "peer-port",
                   .flag = "peer-port",
                   .fills = lib::fills<&PairOptions::peer_port>,
                   .initial = "11212",
                   .least = 1,
                   .most = largest_port,
                   .used_by = "pair",
                   .help = "Port of the other node's link, if peer names none."},
    lib::OptionRow{.section = "replication",
                   .key = "listen",
                   .flag = "link-listen",
                   .fills = lib::fills<&PairOptions::link_listen>,
                   .initial = "11212",
                   .used_by = "pair",
                   .help = "Where the other node finds us: port, host:port or [ipv6]:port."},
    lib::OptionRow{
        .section = "replication",
        .key = "node",
        .flag = "node",
        .fills = lib::fills<&PairOptions::node>,
        .initial = "",
        .choices = "|a|b|0|1|2|3",
        .help = "a or b, another on each node. Empty: the lower address of the two is a. With "
                "driver nats:\n0, 1, 2 or 3, another on each node."},
    lib::OptionRow{.section = "replication",
                   .key = "on-split",
                   .flag = "on-split",
                   .fills = lib::fills<&PairOptions::on_split>,
                   .initial = "both",
                   .choices = "both|secondary-readonly|secondary-closed",
                   .reloaded_by = "replication",
                   .used_by = "pair",
                   .help = "When the peer falls silent both nodes serve; or the primary alone, "
                           "while the secondary\nis read only or closed."},
    lib::OptionRow{.section = "replication",
                   .key = "on-peer-crash",
                   .flag = "on-peer-crash",
                   .fills = lib::fills<&PairOptions::on_peer_crash>,
                   .initial = "keep",
                   .choices = "keep|flush",
                   .used_by = "pair",
                   .help = "What a node does with its items when the peer is lost. keep: goes on "
                           "with them; flush:\nforgets them all, for some may be outdated."},
    lib::OptionRow{
        .section = "replication",
        .key = "link-protocol",
        .flag = "link-protocol",
        .fills = lib::fills<&PairOptions::link_protocol>,
        .initial = "3",
        .least = 1,
        .most = 3,
        .used_by = "pair",
        .help = "Newest version of the link's protocol to speak; the peer may be one behind."},
    lib::OptionRow{.section = "replication",
                   .key = "sync-rate",
                   .flag = "sync-rate",
                   .fills = lib::fills_bytes<&PairOptions::sync_rate_bytes>,
                   .initial = "0",
                   .help = "Bytes per second of a resync; 0: as fast as it goes."},
    lib::OptionRow{
        .section = "replication",
        .key = "scrub-interval",
        .flag = "scrub-interval",
        .fills = lib::fills<&PairOptions::scrub_interval>,
        .initial = "1h",
        .most = 10000.0 * hours,
        .used_by = "pair",
        .help = "Compare all items with the other node's once per this interval; 0: never."},
    lib::OptionRow{.section = "replication",
                   .key = "boot-grace",
                   .flag = "boot-grace",
                   .fills = lib::fills<&Timing::boot_grace>,
                   .initial = "3s",
                   .most = 24.0 * hours,
                   .help = "How long a starting node looks for the other before it serves alone."},
    lib::OptionRow{.section = "replication",
                   .key = "heartbeat",
                   .flag = "heartbeat",
                   .fills = lib::fills<&Timing::heartbeat>,
                   .initial = "200ms",
                   .least = 10,
                   .most = 60.0 * seconds,
                   .help = "Pause between signs of life on the link."},
    lib::OptionRow{.section = "replication",
                   .key = "silence",
                   .flag = "silence",
                   .fills = lib::fills<&Timing::silence>,
                   .initial = "1s",
                   .least = 50,
                   .most = 600.0 * seconds,
                   .help = "After this much silence the other node counts as gone."},
    lib::OptionRow{.section = "replication",
                   .key = "sync-serve-timeout",
                   .flag = "sync-serve-timeout",
                   .fills = lib::fills<&Timing::sync_serve>,
                   .initial = "5m",
                   .most = 24.0 * hours,
                   .help = "Open the client port after this long, even if the copy is incomplete."},
    lib::OptionRow{.section = "replication",
                   .key = "clock-max-ahead",
                   .flag = "clock-max-ahead",
                   .fills = lib::fills<&PairOptions::clock_max_ahead>,
                   .initial = "24h",
                   .least = 1.0 * hours,
                   .most = 10000.0 * hours,
                   .help = "Refuse a peer whose clock is ahead by more than this."},
    lib::OptionRow{.section = "replication",
                   .key = "legacy",
                   .flag = "legacy",
                   .fills = lib::fills<&PairOptions::legacy>,
                   .initial = "no",
                   .bare = true,
                   .reloaded_by = "replication",
                   .used_by = "pair",
                   .help =
                       "The other node may be a repcached 2.2.1 or 2.3.1: while one is replaced "
                       "by this program.\nWhoever can use its address is then believed without "
                       "a secret."},
    lib::OptionRow{.section = "replication",
                   .key = "apply",
                   .flag = "legacy-apply",
                   .fills = lib::fills<&PairOptions::legacy_applies>,
                   .initial = "yes",
                   .reloaded_by = "replication",
                   .used_by = "pair",
                   .help =
                       "With legacy: take over what the repcached says. no: once clients are on "
                       "this node;\nwhat it says then is what it evicts."},
    lib::OptionRow{
        .section = "replication",
        .key = "tls",
        .flag = "link-tls",
        .fills = lib::fills<&PairOptions::link_tls>,
        .initial = "no",
        .bare = true,
        .help =
            "Speak TLS 1.3 with the other node, which must do so, too, and show its certificate.\n"
            "With driver nats: TLS with the NATS server."},
    lib::OptionRow{.section = "replication",
                   .key = "tls-certificate",
                   .flag = "link-tls-certificate",
                   .fills = lib::fills<&PairOptions::link_certificate>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "certificates",
                   .help = "This node's certificate on the link, PEM, and what leads to its root."},
    lib::OptionRow{.section = "replication",
                   .key = "tls-key",
                   .flag = "link-tls-key",
                   .fills = lib::fills<&PairOptions::link_key>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "certificates",
                   .help = "The private key of tls-certificate, PEM, without a pass phrase."},
    lib::OptionRow{
        .section = "replication",
        .key = "tls-ca",
        .flag = "link-tls-ca",
        .fills = lib::fills<&PairOptions::link_ca>,
        .initial = "",
        .path = true,
        .reloaded_by = "certificates",
        .help = "Who signs the other node's certificate, PEM. Needed with tls-peer-name."},
    lib::OptionRow{.section = "replication",
                   .key = "tls-peer-name",
                   .flag = "link-tls-peer-name",
                   .fills = lib::fills<&PairOptions::link_peer_name>,
                   .initial = "",
                   .help = "The name or address that the other node's certificate must be for."},
    lib::OptionRow{
        .section = "replication",
        .key = "tls-peer-fingerprint",
        .flag = "link-tls-peer-fingerprint",
        .fills = lib::fills<&PairOptions::link_peer_fingerprints>,
        .initial = "",
        .help = "SHA-256 of the certificate that the other node must show; several, separated "
                "by\ncommas, while it is exchanged. Without tls-ca it may be self-signed."},
};

// The chosen driver has rules of its own for what the two share.
bool is_anothers(const lib::OptionStructs& options) {
    const auto& driver = options.get<ReplicationOptions>().driver;
    return driver != "pair" && driver != "none" && driver != "auto";
}

// Two nodes of one name would refuse each other for ever, for neither could tell it whole.
std::optional<std::string> problem_of_cluster(const lib::OptionStructs& options) {
    const auto& name = options.get<ReplicationOptions>().cluster;
    if (is_anothers(options) || name.size() <= cluster_name_limit) return std::nullopt;
    return "cluster is a name of at most " + std::to_string(cluster_name_limit) +
           " bytes: this one has " + std::to_string(name.size());
}

// What stands for all addresses of this machine, or for none, would make no pair: the node would
// look for the other one at itself. "$PEER:11212" of a variable that is not set is such a place.
std::optional<std::string> problem_of_peer(const std::string& peer) {
    if (peer.find_first_of(", \t") != std::string::npos)
        return "peer is one node, not '" + peer + "': a pair has two, and each names the other";
    const auto endpoint = lib::parse_endpoint(peer);
    if (endpoint.has_error()) return endpoint.error();
    const auto& host = endpoint->host;
    if (host.empty() || host == "0.0.0.0" || host == "::")
        return "peer '" + peer + "' names no host: where is the other node?";
    return std::nullopt;
}

}  // namespace

std::span<const lib::OptionRow> pair_option_rows() noexcept {
    return rows;
}

std::vector<lib::OptionProblem> problems_of(const lib::OptionStructs& options) {
    const auto& chosen = options.get<PairOptions>();
    const auto& timing = options.get<Timing>();
    std::vector<lib::OptionProblem> problems;
    const auto complain = [&](std::string_view key, std::string message) {
        problems.push_back({"replication", key, std::move(message)});
    };
    if (!chosen.peer.empty()) {
        if (auto problem = problem_of_peer(chosen.peer)) complain("peer", std::move(*problem));
    }
    if (auto problem = problem_of_cluster(options)) complain("cluster", std::move(*problem));
    const auto listen = lib::parse_link_endpoint(chosen.link_listen);
    if (listen.has_error()) complain("listen", listen.error());
    const bool is_letter = chosen.node.empty() || chosen.node == "a" || chosen.node == "b";
    if (!chosen.peer.empty() && !is_letter) {
        complain("node", "the nodes of a pair are a and b, not '" + chosen.node + "'");
    }
    if (timing.silence < 2 * timing.heartbeat) {
        complain("silence", "silence must be at least twice the heartbeat");
    }
    for (const auto& text : chosen.link_peer_fingerprints) {
        const auto fingerprint = lib::parse_fingerprint(text);
        if (fingerprint.has_error()) complain("tls-peer-fingerprint", fingerprint.error());
    }
    if (chosen.legacy && chosen.peer.empty()) {
        complain("legacy", "legacy needs peer: which node is the repcached?");
    }
    if (chosen.legacy && chosen.link_tls) {
        complain("legacy", "a repcached speaks no TLS: legacy and tls do not go together");
    }
    if (!chosen.link_tls || is_anothers(options)) return problems;
    if (chosen.link_certificate.empty() || chosen.link_key.empty()) {
        complain("tls", "TLS on the link needs tls-certificate and tls-key");
    }
    if (chosen.link_peer_name.empty() && chosen.link_peer_fingerprints.empty()) {
        complain("tls", "TLS on the link needs tls-peer-name or tls-peer-fingerprint: who is it?");
    }
    if (!chosen.link_peer_name.empty() && chosen.link_ca.empty()) {
        complain("tls-peer-name", "tls-peer-name needs tls-ca: anybody can write a name");
    }
    return problems;
}

std::optional<std::string> regret_of_sync_rate(const PairOptions& options) {
    const auto rate = options.sync_rate_bytes;
    if (rate == 0 || rate >= slow_sync_rate_bytes) return std::nullopt;
    return "sync-rate is " + lib::size_text(rate) +
           " a second: a resync takes hours or days, and clients meet a node whose copy is "
           "incomplete; 0 is no limit";
}

bool is_pair(const lib::OptionStructs& options) noexcept {
    return !options.get<PairOptions>().peer.empty();
}

std::chrono::milliseconds patience_of_peer(const lib::OptionStructs& options) {
    if (!is_pair(options)) return std::chrono::milliseconds(0);
    return options.get<Timing>().patience_of_peer();
}

std::optional<lib::TlsSettings> link_tls_settings(const lib::OptionStructs& options) {
    const auto& chosen = options.get<PairOptions>();
    if (!chosen.link_tls) return std::nullopt;
    lib::TlsSettings settings;
    settings.chain_file = chosen.link_certificate;
    settings.key_file = chosen.link_key;
    settings.ca_file = chosen.link_ca;
    settings.least_version = lib::TlsVersion::tls_1_3;
    settings.peer = lib::PeerCertificate::required;
    settings.peer_name = chosen.link_peer_name;
    for (const auto& text : chosen.link_peer_fingerprints) {
        settings.peer_fingerprints.push_back(*lib::parse_fingerprint(text));  // checked when read
    }
    return settings;
}

std::string settings_to_compare(const lib::OptionStructs& options) {
    const auto text_of = [&](std::span<const lib::OptionRow> all, std::string_view key) {
        const auto row =
            std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.key == key; });
        return std::string(key) + "=" + lib::value_text(*row, options);
    };
    auto text = text_of(option_rows(), "ack");
    if (options.get<AckGate::Options>().required) text += " ack-required";
    return text + " " + text_of(rows, "on-split") + " " + text_of(rows, "on-peer-crash");
}

}  // namespace twincached::replication::pair
