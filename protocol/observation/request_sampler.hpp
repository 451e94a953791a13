// Picks one request of so many, at random distances, so that no rhythm of a client hides a key, or
// a slow command. What is not picked costs a decrement. One per thread and purpose.
#pragma once

#include "lib/random.hpp"

#include <cstdint>

namespace twincached::protocol {

class RequestSampler {
  public:
    static constexpr std::uint32_t one_in = 100;  // on average

    bool is_due() noexcept {
        if (--left_ != 0) return false;
        left_ = 1 + static_cast<std::uint32_t>(random_.below(2 * one_in - 1));
        return true;
    }
    // The next one is picked, whatever was drawn.
    void make_due() noexcept { left_ = 1; }

  private:
    lib::Random random_{0x746f'7068'6f74'6b65};
    std::uint32_t left_ = one_in;
};

}  // namespace twincached::protocol
