#include "app/endpoint/entry/trust.hpp"

#include <algorithm>

namespace twincached::app {
namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

// Browsers look up nothing whose last part begins with a digit: it is an IPv4 address, or refused
// (WHATWG URL, "ends in a number"; no such name exists in the DNS either).
bool is_v4_address(std::string_view host) noexcept {
    return is_digit(host.back()) &&
           std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
}

// Of an IPv6 address what stands before its first colon: a bracket, with which no name begins.
std::string_view without_port(std::string_view host) noexcept {
    return host.substr(0, host.find(':'));
}

}  // namespace

Trust trust_of_user_by(std::string_view host) noexcept {
    const auto name = without_port(host);
    const bool is_ours = name.empty() || name.starts_with('[') || is_v4_address(name) ||
                         name.find('.') == std::string_view::npos;
    return is_ours ? Trust::owner : Trust::misled;
}

}  // namespace twincached::app
