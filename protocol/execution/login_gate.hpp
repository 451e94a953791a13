// What a client must pass before anything is done for it: a login in the text protocol (memcached's
// -Y), SASL in the binary protocol (-S). It asks the passwords in force, or for SASL a judge who
// takes his time if the server has one, and counts attempts; the
// readers of the dialects put its verdicts into their words. Where nobody needs to say who he is it
// is open from the start. Owned by its conversation, whose thread alone calls it.
#pragma once

#include "protocol/execution/executor.hpp"
#include "protocol/login/authentication.hpp"
#include "protocol/login/sasl_judge.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace twincached::protocol {

class LoginGate {
  public:
    // Failures in a row that one connection may have. Whoever guesses then has to connect anew, and
    // is seen: counted, and told of in the log.
    static constexpr unsigned failures_limit = 5;

    // Open: whatever the client asks for may be done. An open gate is shut again by
    // a new attempt, until that succeeds.
    bool is_open() const noexcept { return authentication_.is_open(); }
    void open() noexcept { authentication_.open(); }

    // The text protocol's "user password".
    Admission log_in(Executor& executor, std::string_view token) noexcept;
    // SASL: a first message, and the next one (see Authentication). After `pending` they are called
    // again with the same. Throw std::bad_alloc.
    Admission start_sasl(Executor& executor, std::string_view mechanism, std::string_view message);
    Admission continue_sasl(Executor& executor, std::string_view mechanism,
                            std::string_view message);
    // What the mechanism says to the client along with `go_on`, until the next message.
    std::string_view challenge() const noexcept;
    // A message that is too long to be looked at counts as an attempt that failed.
    void refuse_message(Executor& executor) noexcept;
    // What could not be read as a login is no attempt that is counted, but a failure.
    void refuse_malformed(Executor& executor) noexcept;
    // It has failed too often: the connection is to be closed.
    bool is_exhausted() const noexcept { return failures_ >= failures_limit; }

  private:
    // An attempt that another judges.
    struct Talk {
        std::unique_ptr<SaslTalk> judged;
        bool is_asked = false;
        std::string challenge{};
    };
    Admission judged(Executor& executor, Admission admission) noexcept;
    Admission ask(Executor& executor, std::string_view mechanism, std::string_view message);

    Authentication authentication_;
    unsigned failures_ = 0;       // since the last login that was granted
    std::unique_ptr<Talk> talk_;  // null: none goes on
};

}  // namespace twincached::protocol
