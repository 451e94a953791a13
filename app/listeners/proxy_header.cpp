#include "app/listeners/proxy_header.hpp"

#include "lib/endian.hpp"
#include "lib/numbers.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace twincached::app {
namespace {

using namespace std::string_view_literals;
using State = ProxyHeader::State;

constexpr auto line_start = "PROXY "sv;
constexpr std::size_t line_limit = 107;  // with its end; from the specification
constexpr auto signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t fixed_size = 16;  // of version 2, before the addresses
constexpr unsigned char version_2_local = 0x20;
constexpr unsigned char version_2_client = 0x21;

// Is `bytes` a beginning of `whole`, or the other way round?
bool agree(std::string_view bytes, std::string_view whole) noexcept {
    const auto size = std::min(bytes.size(), whole.size());
    return bytes.substr(0, size) == whole.substr(0, size);
}

// One blank between two words, as the specification has it; two make an empty word, which is none.
std::string_view take_word(std::string_view& line) noexcept {
    const auto blank = line.find(' ');
    const auto word = line.substr(0, blank);
    line.remove_prefix(blank == std::string_view::npos ? line.size() : blank + 1);
    return word;
}

// inet_pton takes a terminated text and no other forms than the usual ones, which suits a header.
bool parse_ip(std::string_view text, int family, unsigned char* into) noexcept {
    char terminated[INET6_ADDRSTRLEN] = "";
    if (text.size() >= sizeof terminated || text.find('\0') != text.npos) return false;
    std::copy(text.begin(), text.end(), terminated);
    return ::inet_pton(family, terminated, into) == 1;
}

// "TCP4 source destination source-port destination-port"
std::optional<ClientAddress> parse_client(std::string_view line) noexcept {
    const auto protocol = take_word(line);
    const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
    std::array<unsigned char, 16> source{};
    std::array<unsigned char, 16> destination{};
    const bool has_addresses = parse_ip(take_word(line), family, source.data()) &&
                               parse_ip(take_word(line), family, destination.data());
    const auto port = lib::parse_number<std::uint16_t>(take_word(line));
    const bool has_ports = port && lib::parse_number<std::uint16_t>(line);
    if (!has_addresses || !has_ports) return std::nullopt;
    return family == AF_INET ? ClientAddress::ipv4(source.data(), *port)
                             : ClientAddress::ipv6(source.data(), *port);
}

// Version 1. UNKNOWN is a proxy's own check, or a client of a kind that it cannot name: served,
// under the proxy's own address.
ProxyHeader parse_line(std::string_view bytes) noexcept {
    const auto end = bytes.substr(0, line_limit).find("\r\n");
    if (end == std::string_view::npos) {
        return {bytes.size() < line_limit ? State::incomplete : State::broken, 0, {}};
    }
    const auto line = bytes.substr(line_start.size(), end - line_start.size());
    const ProxyHeader unknown{State::complete, end + 2, {}};
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return unknown;
    if (!line.starts_with("TCP4 ") && !line.starts_with("TCP6 ")) return {};
    const auto client = parse_client(line);
    if (!client) return {};
    return {State::complete, end + 2, client};
}

// REQUIRES: the body has address_bytes(family).
std::optional<ClientAddress> client_of(unsigned char family, std::string_view body) noexcept {
    constexpr unsigned char tcp4 = 0x11;
    constexpr unsigned char tcp6 = 0x21;
    constexpr unsigned char unix_stream = 0x31;
    const auto* at = reinterpret_cast<const unsigned char*>(body.data());
    if (family == tcp4) return ClientAddress::ipv4(at, lib::load_big<std::uint16_t>(&body[8]));
    if (family == tcp6) return ClientAddress::ipv6(at, lib::load_big<std::uint16_t>(&body[32]));
    if (family != unix_stream) return std::nullopt;  // UDP, or not said
    ClientAddress local;
    local.family = ClientAddress::Family::local;
    return local;
}

// Bytes that the addresses of a family take: both, with their ports.
std::size_t address_bytes(unsigned char family) noexcept {
    switch (family >> 4) {
        case 1:
            return 12;
        case 2:
            return 36;
        case 3:
            return 216;
        default:
            return 0;
    }
}

// Refused as early as it can be: who speaks anything else must not be waited for. What follows the
// addresses (TLVs) is skipped. Source: HAProxy, doc/proxy-protocol.txt, section 2.2.
ProxyHeader parse_version_2(std::string_view bytes) noexcept {
    if (bytes.size() > signature.size()) {
        const auto command = static_cast<unsigned char>(bytes[signature.size()]);
        if (command != version_2_local && command != version_2_client) return {};
    }
    if (bytes.size() < fixed_size) return {State::incomplete, 0, {}};
    const auto command = static_cast<unsigned char>(bytes[12]);
    const auto family = static_cast<unsigned char>(bytes[13]);
    const std::size_t body_bytes = lib::load_big<std::uint16_t>(&bytes[14]);
    const auto size = fixed_size + body_bytes;
    const bool is_client = command == version_2_client;
    if (size > proxy_header_limit) return {};
    if (is_client && body_bytes < address_bytes(family)) return {};
    if (bytes.size() < size) return {State::incomplete, 0, {}};
    ProxyHeader header{State::complete, size, {}};
    if (is_client) header.client = client_of(family, bytes.substr(fixed_size, body_bytes));
    return header;
}

}  // namespace

// Decided by the first bytes: neither form can begin like the other, or like a command.
ProxyHeader parse_proxy_header(std::string_view bytes) noexcept {
    if (agree(bytes, line_start)) {
        return bytes.size() < line_start.size() ? ProxyHeader{State::incomplete, 0, {}}
                                                : parse_line(bytes);
    }
    if (agree(bytes, signature)) {
        return bytes.size() < signature.size() ? ProxyHeader{State::incomplete, 0, {}}
                                               : parse_version_2(bytes);
    }
    return {};
}

}  // namespace twincached::app
