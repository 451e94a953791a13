#include "app/replication_options.hpp"

#include "app/addresses/endpoint.hpp"
#include "app/listeners/listener_options.hpp"
#include "app/text_file.hpp"
#include "replication/registry.hpp"
#include "storage/store_options.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

using replication::pair::PairOptions;

// "auto|none|pair": those of the registry.
std::string_view driver_choices() {
    static const std::string choices = [] {
        std::string all = "auto";
        for (const auto& factory : replication::replicator_factories())
            all.append("|").append(factory.name);
        return all;
    }();
    return choices;
}

std::string first_line_of(const std::string& path) {
    const auto content = read_text_file(path);
    if (content.has_error()) {
        throw std::runtime_error("secret-file: cannot read a secret from " + path + ": " +
                                 content.error());
    }
    auto line = content->substr(0, content->find('\n'));
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) throw std::runtime_error("secret-file: the secret in " + path + " is empty");
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
    static const std::array rows = {lib::OptionRow{
        .section = "replication",
        .key = "driver",
        .flag = "replication-driver",
        .fills = lib::fills<&ReplicationOptions::driver>,
        .initial = "auto",
        .choices = driver_choices(),
        .help =
            "How this node is replicated: none, pair, or auto, which is pair if there is a peer."}};
    return rows;
}

std::vector<lib::OptionProblem> address_problems(const Options& all) {
    const auto& options = all.get<PairOptions>();
    std::vector<lib::OptionProblem> problems;
    const auto complain = [&](std::string_view key, std::string message) {
        problems.push_back({"replication", key, std::move(message)});
    };
    if (all.get<ReplicationOptions>().driver == "pair" && options.peer.empty()) {
        complain("driver", "driver pair needs a peer (-x, or peer in [replication])");
    }
    if (!options.peer.empty()) {
        const auto peer = parse_endpoint(options.peer);
        if (peer.has_error()) complain("peer", peer.error());
    }
    const auto listen = parse_link_endpoint(options.link_listen);
    if (listen.has_error()) complain("listen", listen.error());
    return problems;
}

replication::Options replication_options(const Options& all) {
    const auto& options = all.get<PairOptions>();
    replication::Options result;
    result.driver = all.get<ReplicationOptions>().driver;
    result.cluster = options.cluster;
    if (result.driver != "none" && !options.peer.empty()) {
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

std::chrono::milliseconds pause_limit(const Options& all) {
    const auto& options = all.get<PairOptions>();
    const bool has_peer = all.get<ReplicationOptions>().driver != "none" && !options.peer.empty();
    return has_peer ? options.silence : std::chrono::milliseconds(0);
}

replication::OnSplit on_split_policy(const PairOptions& options) {
    if (options.on_split == "secondary-readonly") return replication::OnSplit::secondary_read_only;
    if (options.on_split == "secondary-closed") return replication::OnSplit::secondary_closed;
    return replication::OnSplit::both_serve;
}

lib::TlsSettings link_tls_settings(const PairOptions& options) {
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

}  // namespace twincached::app
