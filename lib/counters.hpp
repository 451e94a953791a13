// Counters that many threads raise and few read. Each thread owns a slot of its own, so raising
// costs one uncontended store; a reader sums all slots. Counts never tear and never go backwards;
// a sum taken while threads count is a value that was true a moment ago for each slot.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace twincached::lib {

// `Name` is an enum whose last enumerator is `count_`. One writer thread per object.
template <class Name>
class Counters {
  public:
    static constexpr std::size_t size = static_cast<std::size_t>(Name::count_);

    void add(Name name, std::uint64_t amount = 1) noexcept {
        auto& slot = slots_[static_cast<std::size_t>(name)];
        slot.store(slot.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    std::uint64_t get(Name name) const noexcept {
        return slots_[static_cast<std::size_t>(name)].load(std::memory_order_relaxed);
    }

  private:
    alignas(64) std::array<std::atomic<std::uint64_t>, size> slots_{};
};

// What such counters had come to at one moment, of one thread or of several together. Plain
// numbers, numbers, for reports.
template <class Name>
class Tally {
  public:
    static constexpr std::size_t size = Counters<Name>::size;

    void add(Name name, std::uint64_t amount) noexcept {
        sums_[static_cast<std::size_t>(name)] += amount;
    }
    void add(const Tally& other) noexcept {
        for (std::size_t i = 0; i < size; ++i)
            sums_[i] += other.sums_[i];
    }
    void add(const Counters<Name>& counters) noexcept {
        for (std::size_t i = 0; i < size; ++i)
            sums_[i] += counters.get(static_cast<Name>(i));
    }
    std::uint64_t operator[](Name name) const noexcept {
        return sums_[static_cast<std::size_t>(name)];
    }

  private:
    std::array<std::uint64_t, size> sums_{};
};

}  // namespace twincached::lib
