// The heaviest of very many keys, in bounded memory (the space-saving algorithm: Metwally, Agrawal,
// El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams", 2005). Keeps
// `capacity` keys; a new one takes the place of the lightest and inherits its weight, which is then
// its error. Any key whose true weight exceeds the total divided by the capacity is kept. One
// owner.
#pragma once

#include "storage/key.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace twincached::protocol {

class HeavyHitters {
  public:
    struct Entry {
        std::string_view key;      // until the next `add` or `clear`
        std::uint64_t weight = 0;  // never below the true one
        std::uint64_t error = 0;   // and above it by this at most
    };

    explicit HeavyHitters(std::size_t capacity);

    // A key longer than storage::key_size_limit is cut. May throw std::bad_alloc; then nothing
    // has changed but that a light key may have been forgotten.
    void add(std::string_view key, std::uint64_t weight);
    // The heaviest first.
    std::vector<Entry> top(std::size_t count) const;
    std::uint64_t total() const noexcept { return total_; }
    void clear() noexcept;

  private:
    struct Slot {
        std::array<char, storage::key_size_limit> text;
        std::size_t size = 0;
        std::uint64_t weight = 0;
        std::uint64_t error = 0;
        std::size_t place = 0;  // in the heap

        std::string_view key() const noexcept { return {text.data(), size}; }
    };

    void take_slot(std::size_t number, std::string_view key);
    void sink(std::size_t place) noexcept;
    void rise(std::size_t place) noexcept;
    std::uint64_t weight_at(std::size_t place) const noexcept {
        return slots_[heap_[place]].weight;
    }
    void exchange(std::size_t left, std::size_t right) noexcept;

    const std::size_t capacity_;
    std::vector<Slot> slots_;        // never grows beyond what was reserved: keys stay in place
    std::vector<std::size_t> heap_;  // slots, the lightest on top
    std::unordered_map<std::string_view, std::size_t> numbers_;  // key -> slot
    std::uint64_t total_ = 0;
};

}  // namespace twincached::protocol
