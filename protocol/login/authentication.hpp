// Whether the client of one conversation has said who it is, in either dialect. Sans-I/O: it is
// given what the client sent and says what that amounts to. Where nobody needs to say who he is,
// it is open from the start. Owned by its conversation.
#pragma once

#include "protocol/login/credentials.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::protocol {

// go_on: the mechanism waits for the client's next message. pending: the verdict is not there yet.
enum class Admission : std::uint8_t { granted, refused, malformed, go_on, pending };

// Of our own passwords.
inline constexpr std::string_view sasl_mechanisms = "PLAIN";

class Authentication {
  public:
    // What a client sends to say who it is may not be longer.
    static constexpr std::size_t message_limit = 2048;
    // Of the name of a SASL mechanism, as in memcached; a longer one is a fault of the request.
    static constexpr std::size_t mechanism_limit = 32;

    // Open: whatever a client asks for may be done.
    bool is_open() const noexcept { return is_open_; }
    void open() noexcept { is_open_ = true; }
    void shut() noexcept { is_open_ = false; }

    // SASL: a first message (empty: it comes with the next step), and the next one. Whoever
    // begins anew is shut out until that succeeds.
    Admission start(const Credentials& credentials, std::string_view mechanism,
                    std::string_view message) noexcept;
    Admission step(const Credentials& credentials, std::string_view mechanism,
                   std::string_view message) noexcept;
    // The text protocol's "user password"; what follows the password is ignored.
    Admission log_in(const Credentials& credentials, std::string_view token) noexcept;

  private:
    Admission check(const Credentials& credentials, std::string_view user,
                    std::string_view password) noexcept;
    Admission check_plain(const Credentials& credentials, std::string_view message) noexcept;

    bool is_open_ = false;
    bool is_started_ = false;  // a mechanism waits for its message
};

// RFC 4616: "authorization NUL user NUL password". Many clients leave the first empty, libmemcached
// repeats the user. Nobody may act for another here.
struct PlainMessage {
    std::string_view user;
    std::string_view password;
};
std::optional<PlainMessage> parse_plain(std::string_view message) noexcept;

// A line of the text protocol that begins a login: "set <any> <any> <any> <bytes>". The bytes.
std::optional<std::uint32_t> parse_login_line(std::string_view line) noexcept;

}  // namespace twincached::protocol
