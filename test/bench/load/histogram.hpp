// Counts of values in buckets that grow by an eighth: percentiles to within 12.5 % of the value
// from a fixed 4 KiB. One writer; a reader may look at any time.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace twincached::load {

class Histogram {
  public:
    void record(std::uint64_t value) noexcept {
        auto& bucket = buckets_[index_of(value)];
        bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    std::uint64_t count() const noexcept {
        std::uint64_t total = 0;
        for (const auto& bucket : buckets_)
            total += bucket.load(std::memory_order_relaxed);
        return total;
    }

    // The lower bound of the bucket that holds the given share (0 to 1) of all values; 0 if none.
    std::uint64_t percentile(double share) const noexcept {
        const auto total = count();
        if (total == 0) return 0;
        auto rank = static_cast<std::uint64_t>(share * static_cast<double>(total - 1));
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            const auto here = buckets_[i].load(std::memory_order_relaxed);
            if (rank < here) return lower_bound_of(i);
            rank -= here;
        }
        return lower_bound_of(buckets_.size() - 1);
    }

  private:
    static constexpr unsigned sub_bits = 3;
    static constexpr std::size_t sub_count = 1U << sub_bits;

    static constexpr std::size_t index_of(std::uint64_t value) noexcept {
        if (value < sub_count) return value;
        const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
        return (exponent + 1) * sub_count + ((value >> exponent) & (sub_count - 1));
    }
    static constexpr std::uint64_t lower_bound_of(std::size_t index) noexcept {
        if (index < sub_count) return index;
        const auto exponent = index / sub_count - 1;
        return (sub_count + index % sub_count) << exponent;
    }

    std::array<std::atomic<std::uint64_t>, (64 - sub_bits + 1) * sub_count> buckets_{};
};

}  // namespace twincached::load
