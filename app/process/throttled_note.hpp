// A line of log that anybody outside can cause is written once a second at most, and says how often
// it was left out before. Any thread.
#pragma once

#include "storage/now.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace twincached::app {

class ThrottledNote {
  public:
    // Nothing: not now, but counted. Else how many were left out since the last time.
    std::optional<std::uint64_t> due(storage::Tick now) noexcept {
        if (noted_at_.exchange(now, std::memory_order_relaxed) == now) {
            left_out_.fetch_add(1, std::memory_order_relaxed);
            return std::nullopt;
        }
        return left_out_.exchange(0, std::memory_order_relaxed);
    }

  private:
    std::atomic<storage::Tick> noted_at_{0};
    std::atomic<std::uint64_t> left_out_{0};
};

}  // namespace twincached::app
