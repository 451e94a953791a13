#include "protocol/observation/latencies.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace twincached::protocol {
namespace {

// --- rows --------------------------------------------------------------------------------------

enum class Measure : std::uint8_t { measured, p50, p99, count_ };
constexpr auto measures = static_cast<std::size_t>(Measure::count_);

constexpr Measure measure_of(std::size_t row) noexcept {
    return static_cast<Measure>(row % measures);
}
constexpr LatencySeries series_of(std::size_t row) noexcept {
    return LatencySeries::of(row / measures);
}

constexpr std::string_view ending_of(Measure measure) noexcept {
    constexpr std::string_view endings[] = {"_measured", "_p50_us", "_p99_us"};
    return endings[static_cast<std::size_t>(measure)];
}

// "latency_text_get_p50_us", in memory that lives as long as the program.
class RowName {
  public:
    constexpr explicit RowName(std::size_t row) noexcept {
        add("latency_");
        add(name_of(series_of(row).dialect));
        add("_");
        add(name_of(series_of(row).kind));
        add(ending_of(measure_of(row)));
    }
    constexpr std::string_view text() const noexcept { return {letters_.data(), size_}; }

  private:
    constexpr void add(std::string_view part) noexcept {
        for (const char letter : part)
            letters_[size_++] = letter;
    }

    std::array<char, 40> letters_{};
    std::size_t size_ = 0;
};

template <std::size_t row>
constexpr RowName row_name{row};

template <std::size_t row>
constexpr lib::Figure figure_of() noexcept {
    switch (measure_of(row)) {
        case Measure::measured:
            return lib::counter(row_name<row>.text(),
                                "requests of that dialect and kind that were measured: one in a "
                                "hundred, at random");
        case Measure::p50:
            return lib::gauge(row_name<row>.text(), lib::Unit::microseconds,
                              "half of these took no longer, from being whole to their answer, "
                              "since the start; at most a quarter too much");
        case Measure::p99:
        case Measure::count_:
            break;
    }
    return lib::gauge(row_name<row>.text(), lib::Unit::microseconds,
                      "99 of a hundred of these took no longer");
}

// "1.280"
std::string microseconds_text(std::uint64_t nanoseconds) {
    auto rest = std::to_string(1000 + nanoseconds % 1000);
    rest.front() = '.';
    return std::to_string(nanoseconds / 1000) + rest;
}

template <std::size_t row>
std::string value_of(const LatencyTally& tally) {
    constexpr auto series = series_of(row);
    switch (measure_of(row)) {
        case Measure::measured:
            return lib::figure_text(tally.count(series));
        case Measure::p50:
            return microseconds_text(tally.quantile(series, 50));
        case Measure::p99:
        case Measure::count_:
            break;
    }
    return microseconds_text(tally.quantile(series, 99));
}

template <std::size_t row>
bool is_told(const LatencyTally& tally) {
    return tally.count(series_of(row)) > 0;
}

template <std::size_t... row>
constexpr auto make_rows(std::index_sequence<row...>) noexcept {
    return std::array{
        lib::FigureRow<LatencyTally>{figure_of<row>(), value_of<row>, is_told<row>}...};
}

constexpr auto rows = make_rows(std::make_index_sequence<LatencySeries::count * measures>());

}  // namespace

// --- steps -------------------------------------------------------------------------------------

// A time equal to a bound belongs below it, as Prometheus counts.
std::size_t LatencySteps::of(std::uint64_t nanoseconds) noexcept {
    const auto below = nanoseconds == 0 ? 0 : nanoseconds - 1;
    if (below >> first_power == 0) return 0;
    const auto power = static_cast<unsigned>(std::bit_width(below)) - 1;
    if (power >= last_power) return count - 1;
    return 1 + (power - first_power) * per_power + (below >> (power - 2) & 3U);
}

std::uint64_t LatencySteps::bound(std::size_t step) noexcept {
    if (step == 0) return std::uint64_t{1} << first_power;
    const auto power = first_power + (step - 1) / per_power;
    return (per_power + 1 + (step - 1) % per_power) << (power - 2);
}

// --- counting ----------------------------------------------------------------------------------

void RequestTimes::note(LatencySeries series, std::int64_t nanoseconds) noexcept {
    const auto raise = [](Counter& counter, std::uint64_t amount) {
        counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    };
    const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(0, nanoseconds));
    auto& histogram = histograms_[series.number()];
    raise(histogram.steps[LatencySteps::of(time)], 1);
    raise(histogram.nanoseconds, time);
}

void LatencyTally::add(const RequestTimes& times) noexcept {
    for (std::size_t number = 0; number < sums_.size(); ++number) {
        const auto& histogram = times.histograms_[number];
        auto& sums = sums_[number];
        sums.nanoseconds += histogram.nanoseconds.load(std::memory_order_relaxed);
        for (std::size_t step = 0; step < LatencySteps::count; ++step)
            sums.steps[step] += histogram.steps[step].load(std::memory_order_relaxed);
    }
}

std::uint64_t LatencyTally::count(LatencySeries series) const noexcept {
    return count_within(series, LatencySteps::count - 1);
}

std::uint64_t LatencyTally::nanoseconds(LatencySeries series) const noexcept {
    return of(series).nanoseconds;
}

std::uint64_t LatencyTally::count_within(LatencySeries series, std::size_t step) const noexcept {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i <= step; ++i)
        count += of(series).steps[i];
    return count;
}

std::uint64_t LatencyTally::quantile(LatencySeries series, unsigned percent) const noexcept {
    const auto all = count(series);
    if (all == 0) return 0;
    const auto wanted = (all * percent + 99) / 100;
    std::uint64_t count = 0;
    for (std::size_t step = 0; step + 1 < LatencySteps::count; ++step) {
        count += of(series).steps[step];
        if (count >= wanted) return LatencySteps::bound(step);
    }
    // Longer than the steps tell: at least this.
    return LatencySteps::bound(LatencySteps::count - 2);
}

std::span<const lib::FigureRow<LatencyTally>> latency_rows() noexcept {
    return rows;
}

}  // namespace twincached::protocol
