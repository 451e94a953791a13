#include "app/console/console_origin.hpp"

#include "lib/input/endpoint.hpp"

#include <algorithm>

namespace twincached::app {
namespace {

struct Scheme {
    std::string_view begin;
    std::string_view own_port;  // that a browser leaves out
};
constexpr Scheme schemes[] = {{"http://", ":80"}, {"https://", ":443"}};

bool is_of_a_host(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
           c == ':' || c == '[' || c == ']';
}

// An IPv6 address stands in brackets here.
bool is_place(std::string_view text) {
    if (text.empty()) return false;
    if (!std::all_of(text.begin(), text.end(), is_of_a_host)) return false;
    const auto place = lib::parse_endpoint(text);
    return !place.has_error() && !place->host.empty() &&
           (text.front() == '[' || place->host.find(':') == std::string::npos);
}

}  // namespace

std::optional<std::string> console_origin(std::string_view text) {
    std::string origin(text);
    for (auto& c : origin)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (origin.ends_with('/')) origin.pop_back();
    for (const auto& scheme : schemes) {
        if (!origin.starts_with(scheme.begin)) continue;
        if (!is_place(std::string_view(origin).substr(scheme.begin.size()))) return std::nullopt;
        if (origin.ends_with(scheme.own_port))
            origin.resize(origin.size() - scheme.own_port.size());
        return origin;
    }
    return std::nullopt;
}

}  // namespace twincached::app
