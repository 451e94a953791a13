// What a process may do: limits, memory locks, and which user it is.
#pragma once

#include "app/process/process_options.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace twincached::app {

inline constexpr int exit_no_user = 67;
inline constexpr int exit_system = 71;

// A start-up error with memcached's text and exit status.
struct StartError {
    std::string message;
    int exit_code;
};

// How many descriptors it needs beside those of clients.
std::uint64_t reserved_descriptors(std::uint64_t threads) noexcept;

// How many clients there may be, and threads that serve them.
struct Crowd {
    std::uint64_t clients;
    std::uint64_t threads;
};

// How many of them are served with so many descriptors, or with those that this process may have
// now: what is kept for everything else is taken by no client.
std::uint64_t room_for_clients(const Crowd& crowd, std::uint64_t descriptors) noexcept;
std::uint64_t room_for_clients(const Crowd& crowd) noexcept;

// Raises the limits on open files, and on core files if asked to. Throws StartError. While we are
// still root, if we were.
void raise_limits(const ProcessOptions& options, const Crowd& crowd);

struct Identity {
    uid_t user;
    gid_t group;
    std::string name;
};

// Who to become: nobody else if not started as root. Throws StartError.
std::optional<Identity> identity_to_assume(const ProcessOptions& options);

// Gives root up for good: groups, group, user. Throws StartError.
void assume(const Identity& identity);

// What limits do not hold for. Root has these rights, unless they were taken from the process, as
// in a container; the numbers are the kernel's (capabilities(7)).
enum class Right : unsigned { low_ports = 10, lock_memory = 14, raise_limits = 24 };
bool has_right(Right right);

// Ports below 1024, or what the machine has set instead, take a right.
bool may_listen_at(std::int64_t port);

// How many bytes of memory it may lock; none: as many as it likes.
std::optional<std::uint64_t> lockable_memory();

// Keeps all memory, also what is yet to come, from being paged out once it is used; a sentence if
// it cannot. Where the process may lock only so much, that is left to the store (StoreOptions),
// whose limit is `items` bytes.
std::optional<std::string> lock_memory(std::uint64_t items);

// A sentence if asking for huge pages (-L) is in vain on this system.
std::optional<std::string> huge_pages_problem();

}  // namespace twincached::app
