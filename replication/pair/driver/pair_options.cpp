#include "replication/pair/driver/pair_options.hpp"

#include "lib/tls_context.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace twincached::replication::pair {
namespace {

constexpr double largest_port = 65535;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::uint64_t seconds = 1000;
constexpr std::uint64_t hours = 3600 * seconds;

constexpr std::array rows = {
    lib::OptionRow{.section = "replication",
                   .key = "peer",
                   .flag = "peer",
                   .letter = 'x',
                   .fills = lib::fills<&PairOptions::peer>,
                   .initial = "",
                   .help = "The other node: host, host:port or [ipv6]:port of its link."},
    lib::OptionRow{.section = "replication",
                   .key = "peer-port",
                   .flag = "peer-port",
                   .fills = lib::fills<&PairOptions::peer_port>,
                   .initial = "11212",
                   .least = 1,
                   .most = largest_port,
                   .help = "Port of the other node's link, if peer names none."},
    lib::OptionRow{.section = "replication",
                   .key = "listen",
                   .flag = "link-listen",
                   .fills = lib::fills<&PairOptions::link_listen>,
                   .initial = "11212",
                   .help = "Where the other node finds us: port, host:port or [ipv6]:port."},
    lib::OptionRow{
        .section = "replication",
        .key = "node",
        .flag = "node",
        .fills = lib::fills<&PairOptions::node>,
        .initial = "",
        .choices = "|a|b",
        .help = "a or b, another on each node. Empty: the lower address of the two is a."},
    lib::OptionRow{.section = "replication",
                   .key = "cluster",
                   .flag = "cluster",
                   .fills = lib::fills<&PairOptions::cluster>,
                   .initial = "twincached",
                   .help = "Name of the pair; nodes of different names refuse each other."},
    lib::OptionRow{.section = "replication",
                   .key = "secret",
                   .fills = lib::fills<&PairOptions::secret>,
                   .initial = "",
                   .secret = true,
                   .help = "What both nodes know and nobody else: proves them to each other."},
    lib::OptionRow{.section = "replication",
                   .key = "secret-file",
                   .flag = "secret-file",
                   .fills = lib::fills<&PairOptions::secret_file>,
                   .initial = "",
                   .path = true,
                   .help = "A file with the secret in its first line, instead of `secret`."},
    lib::OptionRow{
        .section = "replication",
        .key = "ack",
        .flag = "ack",
        .fills = lib::fills<&PairOptions::ack>,
        .initial = "async",
        .choices = "async|received",
        .help = "When a change is answered. async: at once; received: when the other node has it."},
    lib::OptionRow{.section = "replication",
                   .key = "ack-timeout",
                   .flag = "ack-timeout",
                   .fills = lib::fills<&PairOptions::ack_timeout>,
                   .initial = "50ms",
                   .least = 1,
                   .most = 60.0 * seconds,
                   .help = "How long an answer waits with ack = received; then none does until the "
                           "link is well again."},
    lib::OptionRow{.section = "replication",
                   .key = "ack-required",
                   .flag = "ack-required",
                   .fills = lib::fills<&PairOptions::ack_required>,
                   .initial = "no",
                   .bare = true,
                   .help = "Answer a change that the other node did not confirm with an error."},
    lib::OptionRow{.section = "replication",
                   .key = "on-split",
                   .flag = "on-split",
                   .fills = lib::fills<&PairOptions::on_split>,
                   .initial = "both",
                   .choices = "both|secondary-readonly|secondary-closed",
                   .reloaded_by = "replication",
                   .help = "Who serves when the peer falls silent: both nodes, or the primary, "
                           "while the secondary is\nread only or closed."},
    lib::OptionRow{.section = "replication",
                   .key = "on-peer-crash",
                   .flag = "on-peer-crash",
                   .fills = lib::fills<&PairOptions::on_peer_crash>,
                   .initial = "keep",
                   .choices = "keep|flush",
                   .help = "What a node does with its items when the peer is lost. keep: goes on "
                           "with them; flush:\nforgets them all, for some may be outdated."},
    lib::OptionRow{
        .section = "replication",
        .key = "link-protocol",
        .flag = "link-protocol",
        .fills = lib::fills<&PairOptions::link_protocol>,
        .initial = "2",
        .least = 1,
        .most = 2,
        .help = "Newest version of the link's protocol to speak; the peer may be one behind."},
    lib::OptionRow{
        .section = "replication",
        .key = "log-memory",
        .flag = "log-memory",
        .fills = lib::fills_bytes<&PairOptions::log_memory_bytes>,
        .initial = "64m",
        .least = 64.0 * kib,
        .plain_unit = mib,
        .help =
            "Memory for changes that the other node has not confirmed yet (plain number: MiB)."},
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
        .help = "All items are compared with the other node's once in this time; 0: never."},
    lib::OptionRow{.section = "replication",
                   .key = "boot-grace",
                   .flag = "boot-grace",
                   .fills = lib::fills<&PairOptions::boot_grace>,
                   .initial = "3s",
                   .most = 24.0 * hours,
                   .help = "How long a starting node looks for the other before it serves alone."},
    lib::OptionRow{.section = "replication",
                   .key = "heartbeat",
                   .flag = "heartbeat",
                   .fills = lib::fills<&PairOptions::heartbeat>,
                   .initial = "200ms",
                   .least = 10,
                   .most = 60.0 * seconds,
                   .help = "Pause between signs of life on the link."},
    lib::OptionRow{.section = "replication",
                   .key = "silence",
                   .flag = "silence",
                   .fills = lib::fills<&PairOptions::silence>,
                   .initial = "1s",
                   .least = 50,
                   .most = 600.0 * seconds,
                   .help = "After this much silence the other node counts as gone."},
    lib::OptionRow{
        .section = "replication",
        .key = "sync-serve-timeout",
        .flag = "sync-serve-timeout",
        .fills = lib::fills<&PairOptions::sync_serve_timeout>,
        .initial = "5m",
        .most = 24.0 * hours,
        .help = "A first synchronisation that takes longer no longer holds the client port."},
    lib::OptionRow{.section = "replication",
                   .key = "drain-timeout",
                   .flag = "drain-timeout",
                   .fills = lib::fills<&PairOptions::drain_timeout>,
                   .initial = "5s",
                   .most = 3600.0 * seconds,
                   .help = "How long a stop waits for the other node to receive the last changes."},
    lib::OptionRow{
        .section = "replication",
        .key = "clock-max-ahead",
        .flag = "clock-max-ahead",
        .fills = lib::fills<&PairOptions::clock_max_ahead>,
        .initial = "24h",
        .least = 1.0 * hours,
        .most = 10000.0 * hours,
        .plain_unit = hours,
        .help = "Refuse a peer whose clock is ahead by more than this (plain number: hours)."},
    lib::OptionRow{
        .section = "replication",
        .key = "tls",
        .flag = "link-tls",
        .fills = lib::fills<&PairOptions::link_tls>,
        .initial = "no",
        .bare = true,
        .help =
            "Speak TLS 1.3 with the other node, which must do so, too, and show its certificate."},
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

}  // namespace

std::span<const lib::OptionRow> pair_option_rows() noexcept {
    return rows;
}

std::vector<lib::OptionProblem> problems_of(const PairOptions& options) {
    std::vector<lib::OptionProblem> problems;
    const auto complain = [&](std::string_view key, std::string message) {
        problems.push_back({"replication", key, std::move(message)});
    };
    if (!options.secret.empty() && !options.secret_file.empty()) {
        complain("secret-file", "secret and secret-file are both set: take one of them");
    }
    if (options.ack_required && options.ack != "received") {
        complain("ack-required",
                 "ack-required (--ack-required) needs ack = received (--ack=received)");
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

}  // namespace twincached::replication::pair
