// Asks for a turn of a client that waits for something which no bytes of its own bring: there is a
// line for one who watches, or a login has been judged. Any thread, under locks; it must not call
// back.
#pragma once

namespace twincached::protocol {

class Waker {
  public:
    virtual ~Waker() = default;
    virtual void wake() noexcept = 0;
};

}  // namespace twincached::protocol
