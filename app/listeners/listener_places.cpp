#include "app/listeners/listener_places.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace twincached::app {
namespace {

struct FreeAddresses {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

struct Resolved {
    Addresses list;
    int error = 0;  // of getaddrinfo; 0: none
};

Resolved resolve(const std::string& host, std::uint16_t port, int socket_type) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = socket_type;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                    std::to_string(port).c_str(), &hints, &found);
    return {Addresses(found), error};
}

PlaceAddress address_of(const addrinfo& found) {
    PlaceAddress place;
    std::memcpy(&place.address, found.ai_addr, found.ai_addrlen);
    place.size = found.ai_addrlen;
    return place;
}

[[noreturn]] void refuse(const std::string& option, const std::string& why) {
    throw std::runtime_error(fmt::format("{}: {}", option, why));
}

// fe80::1 is on every link: which of them is meant has to be said.
bool lacks_interface(const PlaceAddress& at) noexcept {
    if (at.address.ss_family != AF_INET6) return false;
    const auto& address = reinterpret_cast<const sockaddr_in6&>(at.address);
    return IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) && address.sin6_scope_id == 0;
}

std::string_view name_of_family(int family) noexcept {
    return family == AF_INET6 ? "IPv6" : "IPv4";
}

}  // namespace

bool allow_early_bind(int descriptor, int family) noexcept {
    const int on = 1;
    return family == AF_INET6
               ? ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on) == 0
               : ::setsockopt(descriptor, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) == 0;
}

// True if it was bound. What may come later is put aside: whether it is bound is decided when all
// places were tried, for a list of nothing but such addresses is a mistake.
bool ListenerPlaces::try_now(const std::string& option, const PlaceAddress& at,
                             std::vector<Wanted>& later) {
    if (lacks_interface(at)) {
        refuse(option, "a link-local address takes its interface with it, as in fe80::1%eth0");
    }
    try {
        bind_(at);
        return true;
    } catch (const std::system_error& error) {
        const bool may_come = error.code() == std::errc::address_not_available;
        if (!may_come && error.code() != std::errc::address_family_not_supported) {
            refuse(option, error.what());
        }
        if (may_come) later.push_back({option, at});
        return false;
    }
}

// Of a host with several addresses, those that are not here are passed over in silence as long as
// one is: "all interfaces" are such a host, and so is localhost.
void ListenerPlaces::add(const std::string& option, const std::string& host, std::uint16_t port) {
    const auto [found, error] = resolve(host, port, socket_type_);
    // A name that nobody knows now may be one that was mistyped: the operator decides.
    if (error != 0) {
        refuse(option, fmt::format("failed to listen: getaddrinfo(): {}", ::gai_strerror(error)));
    }
    std::vector<Wanted> later;
    bool is_here = false;
    for (const auto* at = found.get(); at != nullptr; at = at->ai_next)
        is_here = try_now(option, address_of(*at), later) || is_here;
    has_any_ = has_any_ || is_here;
    if (is_here) return;
    if (later.empty()) {
        absent_.push_back(
            fmt::format("{}: this machine has no {}", option, name_of_family(found->ai_family)));
    }
    later_.insert(later_.end(), later.begin(), later.end());
}

std::vector<std::string> ListenerPlaces::finish() {
    const auto absent_text = [](const Wanted& wanted) {
        return wanted.option + ": no interface of this machine has this address";
    };
    if (!has_any_ && !(absent_.empty() && later_.empty())) {
        for (const auto& wanted : later_)
            absent_.push_back(absent_text(wanted));
        throw std::runtime_error(
            fmt::format("there is nothing to listen on: {}", fmt::join(absent_, "; ")));
    }
    for (auto& line : absent_)
        line += "; it is left out";
    std::vector<Wanted> never;
    for (auto& wanted : later_) {
        wanted.at.is_early = true;
        const auto end = try_now(wanted.option, wanted.at, never)
                             ? " yet; clients are served there as soon as one has it"
                             : "; it is left out";
        absent_.push_back(absent_text(wanted) + end);
    }
    return std::move(absent_);
}

}  // namespace twincached::app
