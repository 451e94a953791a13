#include "app/twinctl/doctor/node_findings.hpp"

#include "app/twinctl/doctor/broker_remedies.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

namespace twincached::app {
namespace {

using Weight = Finding::Weight;

// The other's changes would be taken for newer, or older, than they are; below it the clock of
// versions makes up for it.
constexpr std::int64_t clock_tolerance_ms = 1000;

bool has_no_peer_yet(std::string_view state) noexcept {
    return state == "LISTENING" || state == "CONNECTING" || state == "HANDSHAKE";
}

bool is_loopback(std::string_view address) noexcept {
    return address.starts_with("127.") || address.starts_with("[::1]") ||
           address.starts_with("localhost");
}

std::string clients_of(const NodeFacts& node) {
    return node.is_ready ? "it serves alone" : "it serves no clients";
}

// A repcached that is started as it mostly is, without -x, is empty, and the node that calls it
// follows it in that.
std::string way_to_repcached(const NodeFacts& node) {
    return fmt::format(
        "if the repcached at {} is gone, start it with -x and this node's host: "
        "without -x it is empty, and this node then drops what came from it; "
        "`twinctl migrate status` says how to go on",
        node.peer);
}

std::string way_to_peer(const NodeFacts& node) {
    const bool is_waiting = node.legacy == "waiting";
    if (is_waiting && (node.had_legacy_dump || node.items > 0)) return way_to_repcached(node);
    auto advice = fmt::format(
        "is the peer running, is {} let through by firewalls in both directions, "
        "and does its -x name this node?",
        node.peer);
    if (node.legacy == "off" && node.had_legacy_dump)
        advice += " If it is a repcached still, set legacy = yes here: `twinctl migrate status`";
    return advice;
}

// Before a session it cannot be told whether the peer is down, elsewhere, or behind a firewall: all
// three are asked for.
void find_unreachable_peer(const NodeFacts& node, Findings& findings) {
    if (!has_no_peer_yet(node.state) || node.is_of_cluster) return;
    findings.push_back({Weight::wrong, node.name,
                        fmt::format("its peer {} is not reached ({}); {}", node.peer, node.state,
                                    clients_of(node)),
                        way_to_peer(node)});
}

std::string remedy_or(const NodeFacts& node, std::string_view otherwise) {
    const auto remedy = broker_remedy(node.last_refusal);
    return std::string(remedy.empty() ? otherwise : remedy);
}

// With one that is not there, or does not let this node in, there is no connection.
void find_unreachable_broker(const NodeFacts& node, Findings& findings) {
    if (!has_no_peer_yet(node.state) || !node.is_of_cluster || !node.broker.empty()) return;
    findings.push_back(
        {Weight::wrong, node.name,
         fmt::format("it reaches no NATS server, or is let in by none ({}); {}",
                     node.last_refusal.empty() ? node.state : node.last_refusal, clients_of(node)),
         remedy_or(node,
                   "is one of those that servers of [replication] names running, with JetStream, "
                   "and does it let this node in?")});
}

void find_unwilling_broker(const NodeFacts& node, Findings& findings) {
    if (!has_no_peer_yet(node.state) || !node.is_of_cluster || node.broker.empty()) return;
    findings.push_back(
        {Weight::wrong, node.name,
         fmt::format("the NATS server {} takes nothing that it says ({}); {}", node.broker,
                     node.last_refusal.empty() ? node.state : node.last_refusal, clients_of(node)),
         remedy_or(node,
                   "mend what that names, at the NATS server or its stream; its own log may "
                   "say more")});
}

void find_refusal(const NodeFacts& node, Findings& findings) {
    if (node.state != "REFUSED") return;
    if (node.is_of_cluster) {
        findings.push_back({Weight::wrong, node.name,
                            fmt::format("{}; {}", node.last_refusal, clients_of(node)),
                            "set its clock right (chrony, systemd-timesyncd): it then compares "
                            "what it holds, and needs no restart"});
        return;
    }
    findings.push_back(
        {Weight::wrong, node.name,
         fmt::format("it does not pair with {}: {}; {}", node.peer,
                     node.last_refusal.empty() ? "a refusal" : node.last_refusal, clients_of(node)),
         "set both nodes alike in what that names, then SIGHUP or restart the one "
         "that was changed"});
}

// By the wall clocks that both nodes tell each other; versions follow them.
void find_clock(const NodeFacts& node, Findings& findings) {
    if (std::abs(node.clock_offset_ms) <= clock_tolerance_ms) return;
    findings.push_back(
        {Weight::risky, node.name,
         fmt::format("its peer's clock is {} ms {} its own: after a split the earlier of two "
                     "writes may win",
                     std::abs(node.clock_offset_ms),
                     node.clock_offset_ms > 0 ? "ahead of" : "behind"),
         "let both machines take the time from the same servers (chrony, systemd-timesyncd)"});
}

// On loopback alone nobody else can reach it. What a node does not say is not held against it.
void find_open_link(const NodeFacts& node, Findings& findings) {
    const bool is_proved = node.authentication == "secret" || node.has_link_tls;
    if (node.peer.empty() || is_proved || node.authentication.empty()) return;
    if (is_loopback(node.peer) && (node.listen.empty() || is_loopback(node.listen))) return;
    findings.push_back({Weight::wrong, node.name,
                        "its link has neither a secret nor TLS: whoever can use its peer's "
                        "address can read and change this cache",
                        "write the same secret into a file on both nodes, mode 0600, and name it "
                        "with secret-file of [replication]"});
}

void find_not_ready(const NodeFacts& node, Findings& findings) {
    if (node.is_ready || has_no_peer_yet(node.state) || node.state == "REFUSED") return;
    if (node.is_of_cluster && !node.last_refusal.empty()) {
        findings.push_back(
            {Weight::wrong, node.name,
             "clients may not come: " + node.summary + "; it waits: " + node.last_refusal,
             remedy_or(node,
                       "mend what that names: mostly what the NATS server lets its user "
                       "do")});
        return;
    }
    findings.push_back({Weight::wrong, node.name, "clients may not come: " + node.summary,
                        "wait for it to synchronise; `twinctl top` shows how far it is"});
}

// Of a pair's node it is history.
void find_what_a_cluster_lacks(const NodeFacts& node, Findings& findings) {
    if (!node.is_of_cluster || !node.is_ready || node.last_refusal.empty()) return;
    if (has_no_peer_yet(node.state) || node.state == "REFUSED") return;
    findings.push_back({Weight::risky, node.name,
                        "not all that others of its cluster say reaches it: " + node.last_refusal,
                        remedy_or(node,
                                  "mend what that names: mostly what the NATS server lets its user "
                                  "do, or the way to the other site")});
}

void find_doubtful_streams(const NodeFacts& node, Findings& findings) {
    if (node.stream_doubts.empty()) return;
    findings.push_back(
        {Weight::risky, node.name,
         "it reads what is set otherwise than a node would have it: " + node.stream_doubts,
         "edit the stream (nats stream edit), or remove it as docs/MORE_NODES.md "
         "says: nodes make another; a node looks again when it connects anew"});
}

// Both are counted since the start of the process.
void find_losses(const NodeFacts& node, Findings& findings) {
    if (node.evicted_unsent > 0) {
        findings.push_back(
            {Weight::risky, node.name,
             fmt::format("{} items were evicted before its peer had them", node.evicted_unsent),
             "give it more memory (-m), or the link more bandwidth"});
    }
    if (node.scrub_defects > 0) {
        findings.push_back(
            {Weight::wrong, node.name,
             fmt::format("{} items differed at rest (repl_scrub_defects), which by the rules never "
                         "happens; they were mended",
                         node.scrub_defects),
             "report it, with the log and the output of `twinctl status --json` of both nodes"});
    }
}

void find_version(const NodeFacts& node, Findings& findings) {
    if (node.version.empty() || node.peer_version.empty() || node.version == node.peer_version)
        return;
    findings.push_back({Weight::risky, node.name,
                        fmt::format("it runs {}, its peer {}", node.version, node.peer_version),
                        "that is for the time of an upgrade: upgrade the other one, too"});
}

constexpr void (*judgements[])(const NodeFacts&, Findings&) = {
    find_unreachable_peer, find_unreachable_broker,
    find_unwilling_broker, find_refusal,
    find_not_ready,        find_what_a_cluster_lacks,
    find_doubtful_streams, find_clock,
    find_open_link,        find_losses,
    find_version,
};

struct SharedFigure {
    std::string_view name;
    std::uint64_t NodeFacts::*member;
};
constexpr SharedFigure shared[] = {
    {"memory limit (-m), in bytes", &NodeFacts::memory_limit},
    {"connection limit (-c)", &NodeFacts::max_connections},
    {"log-memory, in bytes", &NodeFacts::log_limit},
};

}  // namespace

void judge_node(const NodeFacts& node, Findings& findings) {
    if (!node.error.empty()) {
        findings.push_back({Weight::wrong, node.name, node.error, "start it, or name it rightly"});
        return;
    }
    for (const auto judge : judgements)
        judge(node, findings);
}

// What one node cannot see by itself. In no order: the two may be named either way.
void judge_pair(const NodeFacts& one, const NodeFacts& other, Findings& findings) {
    if (!one.error.empty() || !other.error.empty()) return;
    const auto both = one.name + " and " + other.name;
    if (one.peer.empty() != other.peer.empty()) {
        const auto& alone = one.peer.empty() ? one : other;
        findings.push_back({Weight::wrong, alone.name, "it has no peer, the other node has one",
                            "give it the other's address, too: -x, peer of [replication]"});
    }
    if (!one.node.empty() && one.node == other.node) {
        findings.push_back({Weight::wrong, both,
                            fmt::format("both are node {}, so that neither pairs", one.node),
                            "set node of [replication] to another on each: a and b of a pair, 0 to "
                            "3 of a cluster"});
    }
    const bool are_alike = one.is_of_cluster && other.is_of_cluster;
    if (one.role == "primary" && other.role == "primary" && !one.peer.empty() &&
        !other.peer.empty() && !are_alike) {
        findings.push_back({Weight::wrong, both, "both call themselves the primary: a split",
                            "mend the link between them; until then they serve different values"});
    }
    for (const auto& figure : shared) {
        const auto first = one.*figure.member;
        const auto second = other.*figure.member;
        if (first == second) continue;
        findings.push_back(
            {Weight::risky, both,
             fmt::format("they are set differently: {}: {} and {}", figure.name, first, second),
             "set both alike: each must be able to take all of the other's"});
    }
    if (!one.version.empty() && !other.version.empty() && one.version != other.version &&
        one.peer_version.empty() && other.peer_version.empty()) {
        findings.push_back({Weight::risky, both,
                            fmt::format("they run {} and {}", one.version, other.version),
                            "that is for the time of an upgrade: upgrade the other one, too"});
    }
}

}  // namespace twincached::app
