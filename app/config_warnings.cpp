#include "app/config_warnings.hpp"

#include "app/addresses/endpoint.hpp"
#include "app/addresses/network.hpp"
#include "app/endpoint/entry/endpoint_options.hpp"
#include "app/listeners/listener_options.hpp"
#include "app/logins/password_files.hpp"
#include "app/options/action_options.hpp"
#include "app/process/privileges.hpp"
#include "app/process/process_options.hpp"
#include "app/process/tls_options.hpp"
#include "app/replication_options.hpp"
#include "app/restart/memory_file_options.hpp"
#include "app/sessions/session_options.hpp"
#include "lib/sizes.hpp"
#include "protocol/settings.hpp"
#include "replication/registry.hpp"
#include "replication/replication_options.hpp"
#include "storage/store_options.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

namespace twincached::app {
namespace {

using Warnings = std::vector<std::string>;

constexpr std::uint64_t mib = 1024 * 1024;

// An address, or the one name that stands for it everywhere.
bool is_loopback(const std::string& host) {
    in_addr four{};
    if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
    return host == "::1" || host == "localhost";
}

bool is_every_interface(const std::string& host) noexcept {
    return host.empty() || host == "0.0.0.0" || host == "::";
}

// Hosts that clients come in by; "" is all interfaces.
std::vector<std::string> client_hosts(const ListenerOptions& options) {
    std::vector<std::string> hosts;
    if (!options.unix_socket.empty()) return hosts;
    if (options.listen.empty()) hosts.emplace_back();
    for (const auto& text : options.listen) {
        const auto listener = parse_listener(text);
        if (listener) hosts.push_back(listener->endpoint.host);
    }
    return hosts;
}

// What clients, and whoever else reaches the port, may do without having to show anything.
void warn_of_listeners(const Options& all, Warnings& to) {
    const auto& options = all.get<ListenerOptions>();
    const auto& settings = all.get<protocol::Settings>();
    const auto& tls = all.get<TlsOptions>();
    const auto hosts = client_hosts(options);
    const bool is_everywhere = std::any_of(hosts.begin(), hosts.end(), is_every_interface);
    const bool is_local = std::all_of(hosts.begin(), hosts.end(), is_loopback);
    const bool has_login = settings.login_required || settings.sasl_required;
    const bool shows_certificate = tls.enabled && tls.verify_mode > 1;
    if (is_everywhere && !has_login && !shows_certificate) {
        to.emplace_back(
            "listen (-l): clients come in on all interfaces, and nobody must log in: whoever "
            "reaches this machine reads and changes the cache");
    }
    if (options.udp_port != 0 && !options.unix_socket.empty()) {
        to.emplace_back("udp-port (-U): with unix-socket (-s) no UDP port is opened");
    } else if (options.udp_port != 0) {
        to.emplace_back(
            "udp-port (-U): UDP has no logins, and whoever sends can forge from where: keep the "
            "port away from networks that are not yours, or set it to 0");
    }
    if (has_login && !tls.enabled && !is_local) {
        to.emplace_back(
            "auth-file (-Y), sasl (-S): passwords cross the network as they are; enabled (-Z) of "
            "[tls] encrypts them");
    }
    if (settings.shutdown_enabled && !has_login && !is_local) {
        to.emplace_back("shutdown (-A): every client may stop this server, and nobody must log in");
    }
    if (tls.enabled && tls_version(tls.min_version) < lib::TlsVersion::tls_1_2) {
        to.push_back(
            fmt::format("min-version (-o ssl_min_version): {} is no longer safe; clients "
                        "of the last ten years speak tlsv1.2",
                        tls.min_version));
    }
}

// What would protect clients, or this server from them, and is named in vain.
void warn_of_idle_protection(const Options& all, Warnings& to) {
    const auto& tls = all.get<TlsOptions>();
    if (!all.get<PasswordOptions>().sasl_file.empty() &&
        !all.get<protocol::Settings>().sasl_required) {
        to.emplace_back(
            "sasl (-S) is off: nobody logs in by SASL, although sasl-file (--sasl-file) has "
            "passwords for it");
    }
    const bool names_files = !tls.chain_cert.empty() || !tls.key.empty() || !tls.ca_cert.empty();
    if (!tls.enabled && (names_files || tls.verify_mode != 0)) {
        to.emplace_back(
            "enabled of [tls] (-Z) is off: clients' connections are not encrypted, although "
            "certificates are given or asked for");
    }
    const bool asks_nobody =
        tls.verify_mode == 0 && !has_mutual_listener(all.get<ListenerOptions>());
    if (tls.enabled && !tls.ca_cert.empty() && asks_nobody) {
        to.emplace_back(
            "verify-mode of [tls] (-o ssl_verify_mode) is 0: no client is asked for a "
            "certificate, although ca-cert (-o ssl_ca_cert) says who signs them");
    }
}

// The endpoint tells no values and changes nothing there, but it says where the nodes are and how
// they fare.
void warn_of_endpoint(const Options& all, Warnings& to) {
    const auto& options = all.get<EndpointOptions>();
    for (const auto& text : options.listen) {
        const auto place = parse_admin_place(text);
        const bool is_port = place && !place->is_local && place->path.empty();
        if (!is_port || is_loopback(place->endpoint.host)) continue;
        to.push_back(fmt::format(
            "listen of [admin] (--admin-listen) {}: nobody logs in there: whoever reaches it reads "
            "this node's figures and its peer's address",
            text));
    }
}

void warn_of_proxies(const Options& all, Warnings& to) {
    const auto networks = parse_networks(all.get<ListenerOptions>().proxies);
    if (!networks) return;
    // Two addresses that have no bit in common are in one network only if it is everything.
    constexpr std::array<unsigned char, 16> low{};
    constexpr std::array<unsigned char, 16> high{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                                 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    const auto holds_all = [&](const Network& network) {
        return (network.contains(ClientAddress::ipv4(low.data(), 0)) &&
                network.contains(ClientAddress::ipv4(high.data(), 0))) ||
               (network.contains(ClientAddress::ipv6(low.data(), 0)) &&
                network.contains(ClientAddress::ipv6(high.data(), 0)));
    };
    if (std::any_of(networks->begin(), networks->end(), holds_all)) {
        to.emplace_back(
            "proxy-protocol-from: every client is believed to be a proxy and may give itself any "
            "address; name the proxies alone");
    }
}

// 0 of the machine is: not known. Descriptors: sockets of clients, and what the process keeps back
// for the link, the endpoint and its files.
void warn_of_limits(const Options& all, const Machine& machine, Warnings& to) {
    const auto& listeners = all.get<ListenerOptions>();
    const auto threads = all.get<SessionOptions>().threads;
    const auto needed = listeners.connections + reserved_descriptors(threads);
    if (machine.descriptors != 0 && needed > machine.descriptors) {
        to.push_back(
            fmt::format("connections (-c) {}: they take {} open files, and this process may have "
                        "{} (ulimit -n, LimitNOFILE= of the unit): {} are served at a time",
                        listeners.connections, needed, machine.descriptors,
                        room_for_clients({listeners.connections, threads}, machine.descriptors)));
    }
    const auto backlog = static_cast<std::uint64_t>(std::max(listeners.backlog, 0));
    if (machine.backlog != 0 && backlog > machine.backlog) {
        to.push_back(fmt::format("backlog (-b) {}: the kernel lets {} wait (net.core.somaxconn)",
                                 backlog, machine.backlog));
    }
}

// What the process may come to hold at the same time, as far as options bound it.
std::uint64_t memory_of(const Options& all) {
    auto bytes = all.get<storage::StoreOptions>().memory_limit_bytes;
    if (replication::is_replicated(replication::replicator_factories(), all.structs())) {
        bytes += all.get<replication::ReplicationOptions>().log_memory_bytes;
    }
    return bytes + all.get<SessionOptions>().buffer_memory_bytes;
}

// A plain number counts MiB. One that is far beyond the machine, and whole MiB if it counted bytes,
// was meant so.
std::string likely_meaning(std::uint64_t items, std::uint64_t bound) {
    constexpr std::uint64_t far = 64;
    const auto plain = items / mib;
    if (items % mib != 0 || plain % mib != 0 || items / far <= bound) return {};
    return fmt::format("; for {} bytes write {}", plain, lib::size_text(plain));
}

// Each by itself may be right and all together too much: that is found out under load.
void warn_of_memory(const Options& all, const Machine& machine, Warnings& to) {
    const auto items = all.get<storage::StoreOptions>().memory_limit_bytes;
    const auto together = memory_of(all);
    const std::array<std::pair<std::uint64_t, std::string_view>, 2> bounds = {
        std::pair{machine.memory_bytes, std::string_view("the memory of this machine")},
        std::pair{machine.group_memory_bytes,
                  std::string_view("what its control group allows (MemoryMax=, a container)")}};
    for (const auto& [bound, name] : bounds) {
        if (bound == 0 || together <= bound) continue;
        if (items > bound) {
            to.push_back(
                fmt::format("limit of [memory] (-m) {} MiB: that is more than {}, {} MiB{}",
                            items / mib, name, bound / mib, likely_meaning(items, bound)));
        } else {
            to.push_back(
                fmt::format("limit of [memory] (-m), log-memory and buffer-memory are {} MiB "
                            "together: that is more than {}, {} MiB",
                            together / mib, name, bound / mib));
        }
    }
    if (all.get<SessionOptions>().buffer_memory_bytes == 0) {
        to.emplace_back(
            "buffer-memory: without a limit, clients that do not read their answers may take all "
            "memory");
    }
}

// The group that the process has, or takes when it becomes another user: its files may be read by
// it, as by root's.
gid_t own_group(const Options& all) {
    const auto& user = all.get<ProcessOptions>().user;
    const auto* entry = ::geteuid() == 0 && !user.empty() ? ::getpwnam(user.c_str()) : nullptr;
    return entry == nullptr ? ::getegid() : entry->pw_gid;
}

// Who else than the process, root and the owner reads or writes it; empty: nobody.
std::string strangers_to(const struct stat& status, gid_t own) {
    const auto mode = status.st_mode;
    if ((mode & S_IROTH) != 0) return "every user of this machine can read";
    if ((mode & S_IWOTH) != 0) return "every user of this machine can write";
    const bool is_ours = status.st_gid == own || status.st_gid == 0;
    if (is_ours || (mode & (S_IRGRP | S_IWGRP)) == 0) return {};
    const auto* entry = ::getgrgid(status.st_gid);
    const auto group = entry == nullptr ? std::to_string(status.st_gid) : entry->gr_name;
    return fmt::format("the group {} can {}", group, (mode & S_IRGRP) != 0 ? "read" : "write");
}

// Files of which nobody else may know what stands in them, or change it.
class Guard {
  public:
    Guard(gid_t own, Warnings& to) noexcept : own_(own), to_(to) {}

    void look(std::string_view option, const std::string& path, std::string_view what) const {
        struct stat status {};
        if (path.empty() || ::stat(path.c_str(), &status) != 0) return;
        const auto strangers = strangers_to(status, own_);
        if (strangers.empty()) return;
        to_.push_back(fmt::format("{}: {} {} in {} (mode {:04o}; chmod go-rwx)", option, strangers,
                                  what, path, status.st_mode & 07777U));
    }

  private:
    const gid_t own_;
    Warnings& to_;
};

// A warning and no refusal: the file may lie where nobody else gets to.
void warn_of_files(const Options& all, Warnings& to) {
    const auto& replication = all.get<replication::ReplicationOptions>();
    const auto link = replication::tls_settings(replication::replicator_factories(), all.structs());
    const auto& passwords = all.get<PasswordOptions>();
    const Guard guard(own_group(all), to);
    guard.look("secret-file", replication.secret_file, "the secret");
    guard.look("old-secret-file", replication.old_secret_file, "the secret");
    if (!replication.secret.empty()) {
        guard.look("secret", all.get<Actions>().config, "the secret");
    }
    guard.look("auth-file (-Y)", passwords.auth_file, "the passwords");
    guard.look("sasl-file", passwords.sasl_file, "the passwords");
    if (all.get<TlsOptions>().enabled) {
        guard.look("key of [tls]", all.get<TlsOptions>().key, "the private key");
    }
    if (link) guard.look("tls-key", link->key_file, "the private key");
    const auto& endpoint = all.get<EndpointOptions>();
    guard.look("key of [admin]", endpoint.key, "the private key");
    guard.look("token-file", endpoint.token_file, "the tokens");
}

// At a stop the items are written out whole: the room has to be there then.
void warn_of_memory_file(const Options& all, Warnings& to) {
    const std::filesystem::path path = all.get<MemoryFileOptions>().path;
    if (path.empty()) return;
    const auto folder = path.has_parent_path() ? path.parent_path().string() : std::string(".");
    struct statfs system {};
    if (::statfs(folder.c_str(), &system) != 0) return;  // the start is refused
    const auto free =
        static_cast<std::uint64_t>(system.f_bavail) * static_cast<std::uint64_t>(system.f_bsize);
    const auto items = all.get<storage::StoreOptions>().memory_limit_bytes;
    if (free >= items) return;
    const bool is_memory = system.f_type == TMPFS_MAGIC;
    to.push_back(
        fmt::format("file of [memory] (-e): {}{} has {} MiB left, and the items may need "
                    "{} MiB: they would not survive a restart",
                    folder, is_memory ? ", which is on tmpfs," : "", free / mib, items / mib));
}

}  // namespace

std::vector<std::string> config_warnings(const Options& options, const Machine& machine) {
    Warnings warnings;
    warn_of_listeners(options, warnings);
    warn_of_idle_protection(options, warnings);
    warn_of_endpoint(options, warnings);
    warn_of_proxies(options, warnings);
    warn_of_limits(options, machine, warnings);
    warn_of_memory(options, machine, warnings);
    warn_of_files(options, warnings);
    warn_of_memory_file(options, warnings);
    return warnings;
}

std::vector<std::string> warnings_of_parts(const Options& options, const Machine& machine,
                                           const StartFiles& files, std::int64_t unix_seconds) {
    auto warnings = replication::warnings_of(replication::replicator_factories(),
                                             replication_setup(options, files));
    for (const auto& context : {files.certificates.clients, files.certificates.link}) {
        if (!context) continue;
        if (auto warning = expiry_warning(*context, unix_seconds)) {
            warnings.push_back(std::move(*warning));
        }
    }
    const auto items = options.get<storage::StoreOptions>().memory_limit_bytes;
    const auto lockable = machine.locked_memory_bytes;
    if (options.get<ProcessOptions>().lock_memory && lockable != 0 && lockable < items) {
        warnings.push_back(
            fmt::format("lock-memory (-k): {} MiB may be locked (ulimit -l, "
                        "LimitMEMLOCK= of the unit), and -m is {} MiB",
                        lockable / mib, items / mib));
    }
    return warnings;
}

}  // namespace twincached::app
