#include "app/addresses/endpoint.hpp"

#include <utility>

namespace twincached::app {

lib::Parsed<ListenerAddress> parse_listener(std::string_view text) {
    auto tls = ListenerTls::usual;
    for (const auto& [prefix, meaning] :
         {std::pair{std::string_view("notls:"), ListenerTls::none},
          std::pair{std::string_view("mtls:"), ListenerTls::mutual}}) {
        if (!text.starts_with(prefix)) continue;
        text.remove_prefix(prefix.size());
        tls = meaning;
        break;
    }
    auto endpoint = lib::parse_endpoint(text);
    if (endpoint.has_error()) return endpoint.error();
    return ListenerAddress{std::move(*endpoint), tls};
}

std::optional<PortPair> parse_port_pair(std::string_view text) noexcept {
    const auto colon = text.find(':');
    const auto listen = lib::parse_port(text.substr(0, colon));
    if (!listen) return std::nullopt;
    if (colon == std::string_view::npos) return PortPair{*listen, *listen};
    const auto connect = lib::parse_port(text.substr(colon + 1));
    if (!connect) return std::nullopt;
    return PortPair{*listen, *connect};
}

}  // namespace twincached::app
