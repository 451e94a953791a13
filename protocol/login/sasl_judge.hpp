// Who judges SASL in place of our own passwords, and takes his time: he is asked, and his client
// has another turn when the verdict is there (Waker). Protocol defines it, app implements it. It is
// looked at only while a client logs in.
#pragma once

#include "protocol/login/authentication.hpp"
#include "protocol/waker.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::protocol {

struct SaslVerdict {
    Admission admission = Admission::refused;  // granted, refused or go_on
    std::string challenge;                     // what the mechanism says to the client
};

// One attempt of one client, of one message or of several. Its conversation's thread alone calls
// it. Ends with the conversation, whatever has not been judged by then.
class SaslTalk {
  public:
    virtual ~SaslTalk() = default;

    // Has the client's next message judged; it is copied. The first one names its mechanism. False:
    // too many wait. REQUIRES: the verdict on the last one was taken. Throws std::bad_alloc.
    [[nodiscard]] virtual bool ask(std::string_view mechanism, std::string_view message) = 0;
    // Once; nothing: not yet.
    virtual std::optional<SaslVerdict> take_verdict() noexcept = 0;
};

// Any thread.
class SaslJudge {
  public:
    virtual ~SaslJudge() = default;

    // Their names, with blanks between them, as clients are told.
    virtual std::string_view mechanisms() const noexcept = 0;
    // `waker` is woken when there is a verdict, and must outlive the talk. Throws std::bad_alloc.
    virtual std::unique_ptr<SaslTalk> begin(Waker& waker) = 0;
};

}  // namespace twincached::protocol
