// A value, and since when it is what it is: what an operator asks of every state at three in the
// morning. No clock: whoever changes the value says when. Owned by who keeps the value; one thread.
#pragma once

#include "replication/pair/timing.hpp"

#include <utility>

namespace twincached::replication::pair {

template <class Value>
class Since {
  public:
    explicit Since(Value value) noexcept : value_(value) {}

    // Whatever it is, it is so from now on.
    void begin(Instant now) noexcept { at_ = now; }
    // It is this value now; the time stands if it was before.
    void note(Value value, Instant now) noexcept {
        if (std::exchange(value_, value) != value) at_ = now;
    }
    Instant at() const noexcept { return at_; }

  private:
    Value value_;
    Instant at_{0};
};

}  // namespace twincached::replication::pair
