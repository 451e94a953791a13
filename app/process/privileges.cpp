#include "app/process/privileges.hpp"

#include <fmt/format.h>

#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace twincached::app {
namespace {

// Descriptors beside those of clients: standard streams, log, listeners, the link, which has at
// most 24 whoever calls it (Connections::connection_limit), those of the admin endpoint
// (AdminEndpoint::places), and an epoll, an event and a timer per thread.
constexpr std::uint64_t own_descriptors = 48 + 40;
constexpr std::uint64_t descriptors_per_thread = 3;

// Where there is no more, as far as it goes: memcached asks for a descriptor a client and for no
// other, so what starts it starts this server, which then serves some clients fewer.
void raise_descriptor_limit(const Crowd& crowd) {
    const auto needed = crowd.clients + reserved_descriptors(crowd.threads);
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
    const auto most = limit.rlim_max;
    limit = {needed, std::max<rlim_t>(most, needed)};
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
    limit = {most, most};
    const bool is_enough = most >= crowd.clients && room_for_clients(crowd, most) > 0;
    if (is_enough && ::setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
    throw StartError{fmt::format("failed to set rlimit for open files. Try starting as root or "
                                 "requesting smaller maxconns value. ({} are needed for -c {})",
                                 needed, crowd.clients),
                     exit_system};
}

void raise_core_limit() {
    rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_CORE, &limit) == 0) return;
    if (::getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 0) return;
    }
    throw StartError{"failed to ensure corefile creation", exit_system};
}

}  // namespace

std::uint64_t reserved_descriptors(std::uint64_t threads) noexcept {
    return own_descriptors + descriptors_per_thread * threads;
}

std::uint64_t room_for_clients(const Crowd& crowd, std::uint64_t descriptors) noexcept {
    const auto reserved = reserved_descriptors(crowd.threads);
    return std::min(crowd.clients, descriptors - std::min(descriptors, reserved));
}

std::uint64_t room_for_clients(const Crowd& crowd) noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return crowd.clients;
    return room_for_clients(crowd, limit.rlim_cur);
}

void raise_limits(const ProcessOptions& options, const Crowd& crowd) {
    raise_descriptor_limit(crowd);
    if (options.core_dumps) raise_core_limit();
}

std::optional<Identity> identity_to_assume(const ProcessOptions& options) {
    if (::getuid() != 0 && ::geteuid() != 0) return std::nullopt;
    if (options.user.empty())
        throw StartError{"can't run as root without the -u switch", lib::exit_usage};
    const auto* entry = ::getpwnam(options.user.c_str());
    if (entry == nullptr) {
        throw StartError{fmt::format("can't find the user {} to switch to", options.user),
                         exit_no_user};
    }
    return Identity{entry->pw_uid, entry->pw_gid, options.user};
}

void assume(const Identity& identity) {
    if (identity.user == 0) return;  // -u root: stay
    const bool changed = ::initgroups(identity.name.c_str(), identity.group) == 0 &&
                         ::setgid(identity.group) == 0 && ::setuid(identity.user) == 0;
    // That it cannot be undone is tried, not believed.
    if (!changed || ::setuid(0) == 0) {
        throw StartError{fmt::format("failed to assume identity of user {}", identity.name),
                         exit_system};
    }
}

bool has_right(Right right) {
    std::ifstream file("/proc/self/status");
    for (std::string word; file >> word;) {
        if (word != "CapEff:") continue;
        std::uint64_t capabilities = 0;
        file >> std::hex >> capabilities;
        return ((capabilities >> static_cast<unsigned>(right)) & 1U) != 0;
    }
    return false;
}

bool may_listen_at(std::int64_t port) {
    std::int64_t first = 1024;
    std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first;
    return port <= 0 || port >= first || has_right(Right::low_ports);
}

std::optional<std::uint64_t> lockable_memory() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return std::nullopt;
    if (has_right(Right::lock_memory)) return std::nullopt;
    return limit.rlim_cur;
}

std::optional<std::string> lock_memory(std::uint64_t items) {
    constexpr std::uint64_t mib = 1U << 20;
    const auto lockable = lockable_memory();
    if (lockable == 0U)
        return "lock-memory (-k): nothing may be locked (ulimit -l, LimitMEMLOCK= of the unit): "
               "memory may be paged out";
    if (lockable && *lockable < items)
        return fmt::format(
            "lock-memory (-k): {} MiB may be locked (ulimit -l, LimitMEMLOCK= of the "
            "unit), and -m is {} MiB: the rest may be paged out",
            *lockable / mib, items / mib);
    // Against a limit counts what is reserved, used or not; so within one the store's memory alone
    // is locked, by the store and as it grows.
    if (lockable || ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return std::nullopt;
    return fmt::format("lock-memory (-k): {}: memory may be paged out", std::strerror(errno));
}

std::optional<std::string> huge_pages_problem() {
    // "always [madvise] never": the word in brackets holds.
    std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
    std::string choice;
    std::getline(file, choice);
    if (!choice.empty() && choice.find("[never]") == std::string::npos) return std::nullopt;
    return "-L has no effect: this system has no transparent huge pages, or they are switched off";
}

}  // namespace twincached::app
