#include "protocol/login/authentication.hpp"

#include "protocol/words.hpp"

namespace twincached::protocol {

Admission Authentication::start(const Credentials& credentials, std::string_view mechanism,
                                std::string_view message) noexcept {
    is_open_ = false;
    is_started_ = mechanism == sasl_mechanisms;
    if (!is_started_) return Admission::refused;
    if (message.empty()) return Admission::go_on;
    return check_plain(credentials, message);
}

Admission Authentication::step(const Credentials& credentials, std::string_view mechanism,
                               std::string_view message) noexcept {
    is_open_ = false;
    if (!is_started_ || mechanism != sasl_mechanisms) return Admission::refused;
    return check_plain(credentials, message);
}

Admission Authentication::log_in(const Credentials& credentials, std::string_view token) noexcept {
    Words words(token);
    const auto user = words.next();
    const auto password = words.next();
    if (password.empty()) return Admission::malformed;
    return check(credentials, user, password);
}

Admission Authentication::check(const Credentials& credentials, std::string_view user,
                                std::string_view password) noexcept {
    is_open_ = credentials.accept(user, password);
    return is_open_ ? Admission::granted : Admission::refused;
}

Admission Authentication::check_plain(const Credentials& credentials,
                                      std::string_view message) noexcept {
    is_started_ = false;
    const auto plain = parse_plain(message);
    return plain ? check(credentials, plain->user, plain->password) : Admission::refused;
}

std::optional<PlainMessage> parse_plain(std::string_view message) noexcept {
    const auto first = message.find('\0');
    if (first == std::string_view::npos) return std::nullopt;
    const auto second = message.find('\0', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const auto acts_for = message.substr(0, first);
    const PlainMessage plain{message.substr(first + 1, second - first - 1),
                             message.substr(second + 1)};
    if (!acts_for.empty() && acts_for != plain.user) return std::nullopt;
    if (plain.user.empty() || plain.password.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    return plain;
}

std::optional<std::uint32_t> parse_login_line(std::string_view line) noexcept {
    Words words(line);
    if (words.next() != "set") return std::nullopt;
    for (int ignored = 0; ignored < 3; ++ignored)  // key, flags and exptime may be anything
        words.next();
    return lib::parse_number<std::uint32_t>(words.next());
}

}  // namespace twincached::protocol
