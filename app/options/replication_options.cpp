#include "app/options/replication_options.hpp"

#include "app/addresses/endpoint.hpp"

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

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

replication::Options replication_options(const Options& options) {
    replication::Options result;
    result.driver = options.driver;
    result.cluster = options.cluster;
    if (options.driver != "none" && !options.peer.empty()) {
        const auto peer = parse_endpoint(options.peer);  // checked when it was read
        result.peer_host = peer->host;
        result.peer_port = peer->port.value_or(static_cast<std::uint16_t>(options.peer_port));
    }
    const auto listen = parse_link_endpoint(options.link_listen);
    result.listen_host = link_host(listen->host, options.listen);
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
    result.item_size_limit_bytes = options.item_size_limit_bytes;
    result.software_version = TWINCACHED_VERSION;
    result.on_split = on_split_policy(options);
    result.flush_on_peer_crash = options.on_peer_crash == "flush";
    result.link_protocol = static_cast<std::uint16_t>(options.link_protocol);
    result.settings = "ack=" + options.ack + (options.ack_required ? " ack-required" : "") +
                      " on-split=" + options.on_split + " on-peer-crash=" + options.on_peer_crash;
    return result;
}

replication::OnSplit on_split_policy(const Options& options) {
    if (options.on_split == "secondary-readonly") return replication::OnSplit::secondary_read_only;
    if (options.on_split == "secondary-closed") return replication::OnSplit::secondary_closed;
    return replication::OnSplit::both_serve;
}

}  // namespace twincached::app
