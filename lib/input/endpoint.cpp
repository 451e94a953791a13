#include "lib/input/endpoint.hpp"

#include "lib/numbers.hpp"

#include <algorithm>

namespace twincached::lib {
namespace {

Parsed<Endpoint> with_port(std::string_view host, std::string_view port, std::string_view whole) {
    const auto number = parse_port(port);
    if (!number) return "'" + std::string(whole) + "' has no valid port (1 to 65535)";
    return Endpoint{std::string(host == "*" ? "" : host), number};
}

}  // namespace

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
    const auto port = parse_number<std::uint16_t>(text);
    return port && *port > 0 ? port : std::nullopt;
}

Parsed<Endpoint> parse_endpoint(std::string_view text) {
    if (text.empty()) return std::string("an address must not be empty");
    if (text.front() == '[') {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return "']' is missing in '" + std::string(text) + "'";
        const auto host = text.substr(1, end - 1);
        const auto rest = text.substr(end + 1);
        if (rest.empty()) return Endpoint{std::string(host), std::nullopt};
        if (rest.front() == ':') return with_port(host, rest.substr(1), text);
        return "':' and a port must follow ']' in '" + std::string(text) + "'";
    }
    const auto colons = std::count(text.begin(), text.end(), ':');
    if (colons != 1) return Endpoint{std::string(text == "*" ? "" : text), std::nullopt};
    const auto colon = text.find(':');
    return with_port(text.substr(0, colon), text.substr(colon + 1), text);
}

Parsed<Endpoint> parse_link_endpoint(std::string_view text) {
    if (const auto port = parse_port(text)) return Endpoint{"", port};
    return parse_endpoint(text);
}

}  // namespace twincached::lib
