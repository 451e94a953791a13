// How long requests take, by dialect and kind: histograms of sampled service times. From when a
// whole request was there to its answer in the output: without what it waited for in sockets,
// behind others of its thread, or for the other node. One request in a hundred is measured, at
// random distances, so that the cost of the others is a decrement; pipelined gets that are
// answered together count as one, and what arrives in pieces (large values) is left out.
//
// A thread counts in RequestTimes, whoever reports sums in a LatencyTally.
#pragma once

#include "lib/figure_row.hpp"
#include "protocol/observation/request_sampler.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace twincached::protocol {

enum class LatencyDialect : std::uint8_t { text, meta, binary, count_ };
// `get`: asked for keys; `set`: brought a value; `other`: all else, and what was refused.
enum class LatencyKind : std::uint8_t { get, set, other, count_ };

constexpr std::string_view name_of(LatencyDialect dialect) noexcept {
    constexpr std::string_view names[] = {"text", "meta", "binary"};
    return names[static_cast<std::size_t>(dialect)];
}
constexpr std::string_view name_of(LatencyKind kind) noexcept {
    constexpr std::string_view names[] = {"get", "set", "other"};
    return names[static_cast<std::size_t>(kind)];
}

// A dialect's kind of request.
struct LatencySeries {
    static constexpr std::size_t count = static_cast<std::size_t>(LatencyDialect::count_) *
                                         static_cast<std::size_t>(LatencyKind::count_);

    LatencyDialect dialect = LatencyDialect::text;
    LatencyKind kind = LatencyKind::get;

    static constexpr LatencySeries of(std::size_t number) noexcept {
        constexpr auto kinds = static_cast<std::size_t>(LatencyKind::count_);
        return {static_cast<LatencyDialect>(number / kinds),
                static_cast<LatencyKind>(number % kinds)};
    }
    constexpr std::size_t number() const noexcept {
        constexpr auto kinds = static_cast<std::size_t>(LatencyKind::count_);
        return static_cast<std::size_t>(dialect) * kinds + static_cast<std::size_t>(kind);
    }
};

// Times fall into steps, four to each power of two, from 256 ns to about a second:
//
//     0: up to 256   1: 320   2: 384   3: 448   4: 512   5: 640 ...   last: longer than all
struct LatencySteps {
    static constexpr unsigned first_power = 8;
    static constexpr unsigned last_power = 30;
    static constexpr std::size_t per_power = 4;
    static constexpr std::size_t count = 2 + per_power * (last_power - first_power);

    static std::size_t of(std::uint64_t nanoseconds) noexcept;
    // The longest time that falls into it, in nanoseconds. REQUIRES: it is not the last.
    static std::uint64_t bound(std::size_t step) noexcept;
};

// Of one thread, which alone changes it; any thread may read.
class RequestTimes {
  public:
    using Clock = std::int64_t (*)() noexcept;  // nanoseconds, steady

    // Null: nothing is measured. Before the thread's first conversation.
    void set_clock(Clock clock) noexcept { clock_ = clock; }
    std::int64_t now() const noexcept { return clock_(); }

    // Whether the request that comes now is to be measured.
    bool is_due() noexcept { return sampler_.is_due() && clock_ != nullptr; }
    // That one was not whole, or is not over: the next one, then.
    void try_again() noexcept { sampler_.make_due(); }
    void note(LatencySeries series, std::int64_t nanoseconds) noexcept;

  private:
    friend class LatencyTally;
    using Counter = std::atomic<std::uint64_t>;
    struct Histogram {
        std::array<Counter, LatencySteps::count> steps{};
        Counter nanoseconds{0};
    };

    Clock clock_ = nullptr;
    RequestSampler sampler_;
    std::array<Histogram, LatencySeries::count> histograms_;
};

// Plain numbers, of one thread or several, since the start. For reports.
class LatencyTally {
  public:
    void add(const RequestTimes& times) noexcept;

    // Measured requests, and their time together.
    std::uint64_t count(LatencySeries series) const noexcept;
    std::uint64_t nanoseconds(LatencySeries series) const noexcept;
    // Of those, the ones that took no longer than the step's bound.
    std::uint64_t count_within(LatencySeries series, std::size_t step) const noexcept;
    // So many percent took no longer than this, rounded up to the end of a step: at most a quarter
    // too much. 0 if none was measured. In nanoseconds.
    std::uint64_t quantile(LatencySeries series, unsigned percent) const noexcept;

  private:
    struct Sums {
        std::array<std::uint64_t, LatencySteps::count> steps{};
        std::uint64_t nanoseconds = 0;
    };

    const Sums& of(LatencySeries series) const noexcept { return sums_[series.number()]; }

    std::array<Sums, LatencySeries::count> sums_{};
};

// What the histogram tells of, as /metrics says it.
inline constexpr std::string_view latency_help =
    "from a whole request to its answer; one request in 100, at random; without what it waited for "
    "in sockets, behind others, or for the peer";

// `stats latency`: of each series how many were measured, and the time that half of them, and 99 of
// a hundred, did not exceed. A series without a measured request is not told.
std::span<const lib::FigureRow<LatencyTally>> latency_rows() noexcept;

}  // namespace twincached::protocol
