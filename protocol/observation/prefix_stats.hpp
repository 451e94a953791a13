// Counts per key prefix, for `stats detail`: how often keys that begin alike are read, hit, stored
// and deleted. One for all conversations; any thread may call any member. While it is off it
// costs one relaxed load per command.
#pragma once

#include "lib/figure_row.hpp"
#include "lib/function_ref.hpp"
#include "lib/mutex.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace twincached::protocol {

class PrefixStats {
  public:
    struct Counts {
        std::uint64_t gets = 0;
        std::uint64_t hits = 0;
        std::uint64_t sets = 0;
        std::uint64_t deletes = 0;
    };
    // A client can invent prefixes without end, and long ones: later ones than so many, and longer
    // ones, are counted together, as overflow.
    static constexpr std::size_t prefix_limit = 16'384;
    static constexpr std::size_t prefix_bytes_limit = 128;

    bool is_enabled() const noexcept { return enabled_.load(std::memory_order_relaxed); }
    void set_enabled(bool enabled) noexcept { enabled_.store(enabled, std::memory_order_relaxed); }

    // A key without the delimiter has no prefix and is not counted.
    void count_get(std::string_view key, char delimiter, bool hit) noexcept;
    void count_set(std::string_view key, char delimiter) noexcept;
    void count_delete(std::string_view key, char delimiter) noexcept;

    using Visitor = lib::FunctionRef<void(std::string_view prefix, const Counts& counts)>;
    // In no particular order.
    void visit(Visitor visit) const;
    std::size_t prefixes() const noexcept;
    std::uint64_t overflow() const noexcept { return overflow_.load(std::memory_order_relaxed); }
    void clear() noexcept;

  private:
    // A part of all prefixes, by hash, so that threads seldom wait for one another.
    struct alignas(64) Stripe {
        mutable lib::Mutex mutex;
        std::unordered_map<std::string, Counts> counts GUARDED_BY(mutex);
    };
    static constexpr std::size_t stripe_count = 16;

    void count(std::string_view key, char delimiter, const Counts& more) noexcept;
    void note_overflow() noexcept { overflow_.fetch_add(1, std::memory_order_relaxed); }

    std::atomic<bool> enabled_{false};
    std::atomic<std::uint64_t> overflow_{0};
    std::array<Stripe, stripe_count> stripes_;
};

inline constexpr lib::FigureRow<PrefixStats> prefix_rows[] = {
    {lib::gauge("prefixes", "prefixes that `stats detail` counts by"),
     [](const PrefixStats& stats) { return lib::figure_text(stats.prefixes()); }},
    {lib::counter("prefix_overflow", "what was not counted by prefix, for want of room"),
     [](const PrefixStats& stats) { return lib::figure_text(stats.overflow()); }},
};

}  // namespace twincached::protocol
