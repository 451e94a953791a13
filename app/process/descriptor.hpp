// Owns one of the kernel's descriptors: closes it in the end, unless it was given away. Below zero,
// as a call that failed gives it, it owns nothing. One owner, one thread.
#pragma once

#include <unistd.h>

#include <utility>

namespace twincached::app {

class Descriptor {
  public:
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    int get() const noexcept { return number_; }
    // From here on it is the caller's to close.
    [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

  private:
    int number_;
};

}  // namespace twincached::app
