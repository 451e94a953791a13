#include "app/replication_options.hpp"

#include "app/endpoint.hpp"

#include <fstream>
#include <stdexcept>

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
    result.listen_host = listen->host;
    result.listen_port = listen->port.value_or(result.listen_port);
    result.node = options.node;
    result.secret =
        options.secret_file.empty() ? options.secret : first_line_of(options.secret_file);
    result.log_memory_bytes = options.log_memory_bytes;
    result.sync_rate_bytes = options.sync_rate_bytes;
    result.boot_grace = options.boot_grace;
    result.heartbeat = options.heartbeat;
    result.silence = options.silence;
    result.sync_serve_timeout = options.sync_serve_timeout;
    result.drain_timeout = options.drain_timeout;
    result.clock_max_ahead =
        std::chrono::duration_cast<std::chrono::hours>(options.clock_max_ahead);
    result.item_size_limit_bytes = options.item_size_limit_bytes;
    result.software_version = TWINCACHED_VERSION;
    return result;
}

}  // namespace twincached::app
