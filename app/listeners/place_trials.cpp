#include "app/listeners/place_trials.hpp"

#include "app/listeners/listening_socket.hpp"
#include "app/process/privileges.hpp"

#include <fmt/format.h>

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace twincached::app {
namespace {

// sin_port and sin6_port lie at the same place.
in_port_t& port_of(PlaceAddress& place) noexcept {
    return reinterpret_cast<sockaddr_in&>(place.address).sin_port;
}

// All interfaces are not told apart from each of them.
bool is_every_interface(const PlaceAddress& place) noexcept {
    if (place.address.ss_family == AF_INET6) {
        const auto& six = reinterpret_cast<const sockaddr_in6&>(place.address);
        return IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr);
    }
    return reinterpret_cast<const sockaddr_in&>(place.address).sin_addr.s_addr == INADDR_ANY;
}

// REQUIRES: their ports are the same.
bool is_in_the_way(const PlaceAddress& one, const PlaceAddress& other) noexcept {
    if (one.address.ss_family != other.address.ss_family) return false;
    return is_every_interface(one) || is_every_interface(other) ||
           std::memcmp(&one.address, &other.address, one.size) == 0;
}

}  // namespace

void PlaceTrials::try_tcp(const PlaceAddress& place) {
    const auto refuse = [&](int error) {
        throw std::system_error(error, std::generic_category(),
                                "failed to listen on " + end_text(place.address, place.size));
    };
    auto tried = place;
    const auto port = port_of(tried);
    const auto is_taken = [&](PlaceAddress& earlier) {
        return port_of(earlier) == port && is_in_the_way(earlier, place);
    };
    if (!may_listen_at(ntohs(port))) refuse(EACCES);
    if (port != 0 && std::any_of(tcp_.begin(), tcp_.end(), is_taken)) refuse(EADDRINUSE);
    port_of(tried) = 0;
    bind_tcp(tried, ListenerTls::none);
    tcp_.push_back(place);
}

void PlaceTrials::try_unix(const std::string& option, const std::string& path) {
    (void)unix_address(option, path);
    if (paths_.insert(path).second) return;
    throw std::runtime_error(
        fmt::format("{} {}: another listener of these options is in use of it", option, path));
}

}  // namespace twincached::app
