// What a client must pass before anything is done for it: a login in the text protocol (memcached's
// -Y), SASL in the binary protocol (-S). It asks the passwords in force and counts attempts; the
// readers of the dialects put its verdicts into their words. Where nobody needs to say who he is it
// is open from the start. Owned by its conversation, whose thread alone calls it.
#pragma once

#include "protocol/execution/executor.hpp"
#include "protocol/login/authentication.hpp"

#include <string_view>

namespace twincached::protocol {

class LoginGate {
  public:
    // Open: whatever the client asks for may be done. An open gate is shut again by
    // a new attempt, until that succeeds.
    bool is_open() const noexcept { return authentication_.is_open(); }
    void open() noexcept { authentication_.open(); }

    // The text protocol's "user password".
    Admission log_in(Executor& executor, std::string_view token) noexcept;
    // SASL: a first message, and the next one (see Authentication).
    Admission start_sasl(Executor& executor, std::string_view mechanism,
                         std::string_view message) noexcept;
    Admission continue_sasl(Executor& executor, std::string_view mechanism,
                            std::string_view message) noexcept;
    // A message that is too long to be looked at counts as an attempt that failed.
    void refuse_message(Executor& executor) noexcept;

  private:
    Authentication authentication_;
};

}  // namespace twincached::protocol
