#include "app/addresses/network.hpp"

#include "lib/numbers.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

namespace twincached::app {
namespace {

std::optional<ClientAddress> parse_address(const std::string& text) {
    unsigned char bytes[16];
    if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) return ClientAddress::ipv4(bytes, 0);
    if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) return ClientAddress::ipv6(bytes, 0);
    return std::nullopt;
}

std::string complaint(std::string_view text) {
    return "'" + std::string(text) + "' is no address or network such as 10.0.0.0/8 or ::1";
}

}  // namespace

lib::Parsed<Network> Network::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_address(std::string(text.substr(0, slash)));
    Network network;
    if (!address) return complaint(text);
    network.address_ = *address;
    const auto most = static_cast<unsigned>(8 * address->address_size());
    auto bits = std::optional(most);
    if (slash != std::string_view::npos) bits = lib::parse_number<unsigned>(text.substr(slash + 1));
    if (!bits || *bits > most) return complaint(text);
    network.bits_ = *bits;
    return network;
}

bool Network::contains(const ClientAddress& client) const noexcept {
    if (client.family != address_.family) return false;
    const auto whole = bits_ / 8;
    const auto rest = bits_ % 8;
    if (!std::equal(client.bytes.begin(), client.bytes.begin() + whole, address_.bytes.begin())) {
        return false;
    }
    if (rest == 0) return true;
    const unsigned mask = 0xffU << (8 - rest);
    return ((client.bytes[whole] ^ address_.bytes[whole]) & mask & 0xffU) == 0;
}

lib::Parsed<std::vector<Network>> parse_networks(const std::vector<std::string>& texts) {
    std::vector<Network> networks;
    for (const auto& text : texts) {
        const auto network = Network::parse(text);
        if (network.has_error()) return network.error();
        networks.push_back(*network);
    }
    return networks;
}

bool is_in_any(const std::vector<Network>& networks, const ClientAddress& client) noexcept {
    return std::any_of(networks.begin(), networks.end(),
                       [&](const Network& network) { return network.contains(client); });
}

}  // namespace twincached::app
