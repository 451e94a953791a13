#include "replication/nats/driver/nats_options.hpp"

#include "lib/input/endpoint.hpp"
#include "lib/input/text_file.hpp"
#include "replication/nats/cluster_options.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/replication_options.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t seconds = 1000;
constexpr std::uint64_t hours = 3600 * seconds;
constexpr std::uint16_t usual_port = 4222;
constexpr std::string_view node_numbers = "0123";

constexpr std::array rows = {
    lib::OptionRow{.section = "replication",
                   .key = "servers",
                   .flag = "nats-servers",
                   .fills = lib::fills<&NatsOptions::servers>,
                   .initial = "",
                   .reloaded_by = "replication",
                   .used_by = "nats",
                   .help = "NATS servers with JetStream, which carry the changes of up to four "
                           "nodes: host, host:port,\nnats://host:port or tls://host:port, "
                           "separated by commas; the first that answers is used."},
    lib::OptionRow{.section = "replication",
                   .key = "user",
                   .flag = "nats-user",
                   .fills = lib::fills<&NatsOptions::user>,
                   .initial = "",
                   .reloaded_by = "replication",
                   .used_by = "nats",
                   .help = "Who this node is to the NATS server; with an NKey its public key."},
    lib::OptionRow{.section = "replication",
                   .key = "password-file",
                   .flag = "nats-password-file",
                   .fills = lib::fills<&NatsOptions::password_file>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "replication",
                   .used_by = "nats",
                   .help = "A file with the user's password in its first line."},
    lib::OptionRow{.section = "replication",
                   .key = "token-file",
                   .flag = "nats-token-file",
                   .fills = lib::fills<&NatsOptions::token_file>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "replication",
                   .used_by = "nats",
                   .help = "A file with the NATS server's token in its first line, instead of a "
                           "user."},
    lib::OptionRow{.section = "replication",
                   .key = "credentials",
                   .flag = "nats-credentials",
                   .fills = lib::fills<&NatsOptions::credentials>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "replication",
                   .used_by = "nats",
                   .help = "A file with what proves this node to the NATS server: JWT and seed, "
                           "or the seed of\nthe NKey that user names."},
    lib::OptionRow{.section = "replication",
                   .key = "inbox-prefix",
                   .flag = "nats-inbox-prefix",
                   .fills = lib::fills<&NatsOptions::inbox_prefix>,
                   .initial = "_INBOX",
                   .used_by = "nats",
                   .help = "What the subjects begin with to which this node is answered; another "
                           "one for each user\nwho is not to hear the others."},
    lib::OptionRow{.section = "replication",
                   .key = "stream",
                   .flag = "nats-stream",
                   .fills = lib::fills<&NatsOptions::stream>,
                   .initial = "",
                   .used_by = "nats",
                   .help = "The stream that the changes go through; empty: MC_ and the cluster's "
                           "name."},
    lib::OptionRow{.section = "replication",
                   .key = "replicas",
                   .flag = "nats-replicas",
                   .fills = lib::fills<&NatsOptions::replicas>,
                   .initial = "1",
                   .least = 1,
                   .most = 5,
                   .used_by = "nats",
                   .help = "How many NATS servers keep the stream: 1, or 3 or 5 of a cluster of "
                           "them. When it is created."},
    lib::OptionRow{.section = "replication",
                   .key = "storage",
                   .flag = "nats-storage",
                   .fills = lib::fills<&NatsOptions::storage>,
                   .initial = "file",
                   .choices = "memory|file",
                   .used_by = "nats",
                   .help = "Where they keep it. When it is created."},
    lib::OptionRow{.section = "replication",
                   .key = "max-age",
                   .flag = "nats-max-age",
                   .fills = lib::fills<&NatsOptions::max_age>,
                   .initial = "5m",
                   .least = 10.0 * seconds,
                   .most = 24.0 * hours,
                   .used_by = "nats",
                   .help = "How long they keep a change; a node that was away for longer compares "
                           "all. When the\nstream is created."},
    lib::OptionRow{.section = "replication",
                   .key = "max-bytes",
                   .flag = "nats-max-bytes",
                   .fills = lib::fills_bytes<&NatsOptions::max_bytes>,
                   .initial = "256m",
                   .least = static_cast<double>(stream_least_bytes),
                   .most = 1024.0 * 1024 * 1024 * kib,
                   .used_by = "nats",
                   .help = "How much they keep at most; the oldest goes first. When the stream is "
                           "created."},
    lib::OptionRow{.section = "replication",
                   .key = "site",
                   .flag = "nats-site",
                   .fills = lib::fills<&NatsOptions::site>,
                   .initial = "",
                   .used_by = "nats",
                   .help = "The site that this node is at, if there are several; each has NATS "
                           "servers and a stream."},
    lib::OptionRow{.section = "replication",
                   .key = "sites",
                   .flag = "nats-sites",
                   .fills = lib::fills<&NatsOptions::sites>,
                   .initial = "",
                   .used_by = "nats",
                   .help = "The other sites, whose streams are mirrored here: name, or name@domain "
                           "if its JetStream\ndomain is called otherwise."},
    lib::OptionRow{.section = "replication",
                   .key = "domain",
                   .flag = "nats-domain",
                   .fills = lib::fills<&NatsOptions::domain>,
                   .initial = "",
                   .used_by = "nats",
                   .help = "The JetStream domain of the servers, if they have one."},
    lib::OptionRow{.section = "replication",
                   .key = "member-timeout",
                   .flag = "member-timeout",
                   .fills = lib::fills<&NatsOptions::member_timeout>,
                   .initial = "30s",
                   .least = 1.0 * seconds,
                   .most = 24.0 * hours,
                   .used_by = "nats",
                   .help = "A node of the cluster that was not heard for so long is waited for by "
                           "nobody, and\ncompares all when it comes back."},
    lib::OptionRow{.section = "replication",
                   .key = "batch-size",
                   .flag = "batch-size",
                   .fills = lib::fills_bytes<&NatsOptions::batch_bytes>,
                   .initial = "256k",
                   .least = static_cast<double>(message_least_bytes),
                   .most = 512.0 * kib,
                   .used_by = "nats",
                   .help = "Changes are sent in messages of this size, or of what the NATS server "
                           "allows."},
};

using Complain = lib::FunctionRef<void(std::string_view key, std::string message)>;

OtherSite other_site(std::string_view text) {
    const auto at = text.find('@');
    const auto name = text.substr(0, at);
    return {std::string(name),
            std::string(at == std::string_view::npos ? name : text.substr(at + 1))};
}

bool is_tls_server(const std::string& text) {
    return text.starts_with("tls://");
}

void check_names(const lib::OptionStructs& options, Complain complain) {
    const auto& chosen = options.get<NatsOptions>();
    const auto check = [&](std::string_view key, std::string_view name) {
        if (name.empty() || is_name(name)) return;
        complain(key,
                 std::string(key) + " '" + std::string(name) +
                     "': letters, digits, - and _ alone, at most 64, name what a broker keeps");
    };
    const auto& cluster = options.get<ReplicationOptions>().cluster;
    if (cluster.empty()) complain("cluster", "driver nats needs the name of a cluster");
    check("cluster", cluster);
    check("stream", chosen.stream);
    check("site", chosen.site);
    check("domain", chosen.domain);
    std::set<std::string> seen{chosen.site};
    for (const auto& text : chosen.sites) {
        const auto site = other_site(text);
        check("sites", site.name);
        check("sites", site.domain);
        if (site.name.empty() || site.domain.empty()) {
            complain("sites", "sites are names, or name@domain, not '" + text + "'");
        } else if (!seen.insert(site.name).second) {
            complain("sites", "the site " + site.name + " is named twice");
        }
    }
    if (!chosen.sites.empty() && chosen.site.empty())
        complain("sites", "sites needs site: at which one is this node?");
    if (!chosen.sites.empty() && !chosen.stream.empty())
        complain("stream", "stream and sites do not go together: each site's stream has its name");
}

// Several names with dots between them, as NATS' own tools take it.
bool is_prefix(std::string_view text) {
    for (;;) {
        const auto dot = text.find('.');
        if (!is_name(text.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

void check_login(const lib::OptionStructs& options, Complain complain) {
    const auto& chosen = options.get<NatsOptions>();
    const bool has_nkey = !chosen.credentials.empty();
    const int ways = (chosen.password_file.empty() ? 0 : 1) + (chosen.token_file.empty() ? 0 : 1) +
                     (has_nkey ? 1 : 0);
    if (ways > 1) {
        complain("user", "one of password-file, token-file and credentials proves this node");
    }
    if (!chosen.user.empty() && chosen.password_file.empty() && !has_nkey)
        complain("user", "user needs password-file, or credentials with the seed of its NKey");
    if (!chosen.password_file.empty() && chosen.user.empty())
        complain("password-file", "password-file needs user: whose password is it?");
    if (!chosen.token_file.empty() && !chosen.user.empty())
        complain("token-file", "a token stands for itself: token-file and user do not go together");
    if (!is_prefix(chosen.inbox_prefix)) {
        complain("inbox-prefix",
                 "inbox-prefix '" + chosen.inbox_prefix +
                     "': names of letters, digits, - and _, with dots between them");
    }
    const auto& link = options.get<pair::PairOptions>();
    if (!link.link_peer_fingerprints.empty()) {
        complain("tls-peer-fingerprint",
                 "of a NATS server no fingerprint can be pinned: tls-ca says who signs for it");
    }
    if (link.link_certificate.empty() != link.link_key.empty())
        complain("tls-certificate", "tls-certificate and tls-key go together");
}

}  // namespace

std::span<const lib::OptionRow> nats_option_rows() noexcept {
    return rows;
}

std::vector<lib::OptionProblem> problems_of(const lib::OptionStructs& options) {
    std::vector<lib::OptionProblem> problems;
    const auto complain = [&](std::string_view key, std::string message) {
        problems.push_back({"replication", key, std::move(message)});
    };
    const auto& chosen = options.get<NatsOptions>();
    for (const auto& server : chosen.servers) {
        const auto url = server_url(server);
        if (url.has_error()) complain("servers", url.error());
    }
    if (options.get<ReplicationOptions>().driver != "nats") return problems;
    const auto& node = options.get<pair::PairOptions>().node;
    if (node.size() != 1 || node_numbers.find(node) == std::string_view::npos) {
        complain("node", node.empty()
                             ? "driver nats needs node: 0, 1, 2 or 3, another on each node"
                             : "the nodes of a cluster are 0, 1, 2 and 3, not '" + node + "'");
    }
    if (!options.get<pair::PairOptions>().peer.empty())
        complain("peer", "driver nats has no peer: its nodes meet at the NATS servers");
    if (chosen.replicas % 2 == 0) complain("replicas", "replicas are 1, 3 or 5");
    if (chosen.max_age < 2 * chosen.member_timeout) {
        complain("max-age",
                 "max-age must be at least twice member-timeout: what was removed is "
                 "remembered until all members have read of it");
    }
    check_names(options, complain);
    check_login(options, complain);
    return problems;
}

bool is_nats(const lib::OptionStructs& options) noexcept {
    return !options.get<NatsOptions>().servers.empty();
}

std::optional<lib::TlsSettings> broker_tls_settings(const lib::OptionStructs& options) {
    const auto& link = options.get<pair::PairOptions>();
    const auto& servers = options.get<NatsOptions>().servers;
    const bool has_tls =
        link.link_tls || std::any_of(servers.begin(), servers.end(), is_tls_server);
    if (!has_tls) return std::nullopt;
    lib::TlsSettings settings;
    settings.chain_file = link.link_certificate;
    settings.key_file = link.link_key;
    settings.ca_file = link.link_ca;
    settings.peer = lib::PeerCertificate::required;
    settings.peer_name = link.link_peer_name;
    return settings;
}

std::vector<std::string> regrets(const lib::OptionStructs& options) {
    std::vector<std::string> lines;
    const auto& chosen = options.get<NatsOptions>();
    const auto is_here = [](const std::string& server) {
        const auto url = server_url(server);
        if (url.has_error()) return false;
        const auto host = url->substr(url->find("//") + 2);
        return host.starts_with("127.") || host.starts_with("localhost:") ||
               host.starts_with("[::1]");
    };
    const bool all_here = std::all_of(chosen.servers.begin(), chosen.servers.end(), is_here);
    const bool has_login =
        !chosen.user.empty() || !chosen.token_file.empty() || !chosen.credentials.empty();
    if (!all_here && !has_login) {
        lines.emplace_back(
            "user (or token-file, credentials): this node logs in at no NATS server: whoever "
            "reaches one of them can read and change this cache");
    }
    const auto& link = options.get<pair::PairOptions>();
    const bool all_tls =
        link.link_tls || std::all_of(chosen.servers.begin(), chosen.servers.end(), is_tls_server);
    if (!all_here && has_login && !all_tls) {
        lines.emplace_back(
            "tls: off, so that passwords and items pass to the NATS servers in the clear");
    }
    if (chosen.replicas == 1 && chosen.servers.size() > 2) {
        lines.emplace_back(
            "replicas is 1: the stream lives on one of the NATS servers alone, and with that "
            "one's death nodes stop hearing of each other");
    }
    if (auto regret = pair::regret_of_sync_rate(link)) lines.push_back(std::move(*regret));
    return lines;
}

// Certificates of a link with TLS are read at the start, which fails without them. A server may
// insist on TLS with a node that does not: then they are read by each connection.
std::vector<std::string> files_to_come(const lib::OptionStructs& options) {
    std::vector<std::string> lines;
    const auto look = [&](std::string_view option, const std::string& path) {
        if (path.empty()) return;
        const auto content = lib::read_text_file(path);
        if (content.has_error()) {
            lines.push_back(std::string(option) + ": " + path + ": " + content.error() +
                            ": until it can be read this node reaches no NATS server");
        }
    };
    const auto& chosen = options.get<NatsOptions>();
    look("password-file", chosen.password_file);
    look("token-file of [replication]", chosen.token_file);
    look("credentials", chosen.credentials);
    if (broker_tls_settings(options)) return lines;
    const auto& link = options.get<pair::PairOptions>();
    look("tls-ca", link.link_ca);
    look("tls-certificate", link.link_certificate);
    look("tls-key", link.link_key);
    return lines;
}

lib::Parsed<std::string> server_url(std::string_view text) {
    std::string_view scheme = "nats://";
    auto place = text;
    for (const std::string_view known : {"nats://", "tls://"}) {
        if (!text.starts_with(known)) continue;
        scheme = known;
        place = text.substr(known.size());
    }
    if (place.find('@') != std::string_view::npos || place.find('/') != std::string_view::npos) {
        return lib::Parsed<std::string>(
            boost::system::in_place_error,
            "servers: a NATS server is host:port alone (nats://host:port, tls://host:port); who "
            "this node is stands in user, token-file or credentials");
    }
    const auto endpoint = lib::parse_endpoint(place);
    if (endpoint.has_error() || endpoint->host.empty()) {
        return lib::Parsed<std::string>(boost::system::in_place_error,
                                        "servers: '" + std::string(text) +
                                            "' is no NATS server: host, host:port or [ipv6]:port");
    }
    const bool is_v6 = endpoint->host.find(':') != std::string::npos;
    return lib::Parsed<std::string>(boost::system::in_place_value,
                                    std::string(scheme) +
                                        (is_v6 ? "[" + endpoint->host + "]" : endpoint->host) +
                                        ":" + std::to_string(endpoint->port.value_or(usual_port)));
}

Names names_of(const lib::OptionStructs& options) {
    const auto& chosen = options.get<NatsOptions>();
    Names names;
    names.cluster = options.get<ReplicationOptions>().cluster;
    names.site = chosen.site;
    names.stream = chosen.stream.empty() ? stream_of(names.cluster, names.site) : chosen.stream;
    names.domain = chosen.domain;
    const auto& node = options.get<pair::PairOptions>().node;
    if (!node.empty() && node_numbers.find(node) != std::string_view::npos)
        names.node = static_cast<unsigned>(node.front() - '0');
    for (const auto& text : chosen.sites)
        names.others.push_back(other_site(text));
    return names;
}

}  // namespace twincached::replication::nats
