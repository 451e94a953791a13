// A state as few bytes, and those bytes as 128 bits. Equal states give equal bytes, because every
// unused place of a state is zero. Two different states of one run give equal fingerprints with a
// probability of about n^2 / 2^129: for a hundred million states less than 10^-22.
#pragma once

#include "test/model/state.hpp"

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

namespace twincached::model {

struct Fingerprint {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Fingerprint&) const noexcept = default;
};

class EncodedState {
  public:
    void clear() noexcept { size_ = 0; }
    void push(std::uint8_t byte) noexcept {
        assert(size_ < bytes_.size());
        bytes_[size_++] = byte;
    }
    std::span<const std::uint8_t> view() const noexcept { return std::span(bytes_).first(size_); }

  private:
    std::array<std::uint8_t, sizeof(State)> bytes_;  // a state's bytes are fewer than its size
    std::size_t size_ = 0;
};

void encode(const State& state, const Bounds& bounds, EncodedState& bytes) noexcept;

// The state that `encode` made these bytes of, with the same bounds.
State decode(std::span<const std::uint8_t> bytes, const Bounds& bounds) noexcept;

Fingerprint fingerprint(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace twincached::model
