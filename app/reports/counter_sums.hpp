// What the io threads have counted, summed over all of them, since the start or the last `stats
// reset`. The threads' counters themselves only grow; a reset notes where they stood. Owned by the
// service. Any thread; sums that are taken while threads count are those of about that moment.
#pragma once

#include "app/sessions/io_pool.hpp"
#include "protocol/execution/service.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace twincached::app {

class CounterSums {
  public:
    // The pool must outlive it.
    explicit CounterSums(const IoPool& pool) noexcept : pool_(pool) {}

    std::uint64_t total(protocol::Count name) const noexcept;
    // REQUIRES: size_class < storage::size_class_limit.
    std::uint64_t total(unsigned size_class, protocol::ClassCount name) const noexcept;
    void reset() noexcept;

  private:
    static constexpr std::size_t counts = lib::Counters<protocol::Count>::size;
    static constexpr std::size_t class_counts = lib::Counters<protocol::ClassCount>::size;

    std::uint64_t sum(protocol::Count name) const noexcept;
    std::uint64_t sum(unsigned size_class, protocol::ClassCount name) const noexcept;

    const IoPool& pool_;
    // Where the sums stood at the last reset.
    std::array<std::atomic<std::uint64_t>, counts> base_{};
    std::array<std::array<std::atomic<std::uint64_t>, class_counts>, storage::size_class_limit>
        class_base_{};
};

}  // namespace twincached::app
