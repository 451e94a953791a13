#include "lib/durations.hpp"

#include "lib/numbers.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>

namespace twincached::lib {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t milliseconds;
    bool is_written;  // also by us: a day reads worse than 24h
};
constexpr std::array<Unit, 5> units{{{"d", 86'400'000, false},
                                     {"h", 3'600'000, true},
                                     {"m", 60'000, true},
                                     {"s", 1000, true},
                                     {"ms", 1, true}}};

}  // namespace

Parsed<std::chrono::milliseconds> parse_duration(std::string_view text, std::uint64_t plain_unit) {
    const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
    const auto suffix = text.substr(digits.size());
    std::optional<std::uint64_t> unit;
    if (suffix.empty() && plain_unit > 0) unit = plain_unit;
    if (digits == "0" && suffix.empty()) unit = 1;
    for (const auto& known : units) {
        if (suffix == known.name) unit = known.milliseconds;
    }
    const auto count = parse_number<std::uint64_t>(digits);
    if (!unit || !count || *count > std::numeric_limits<std::int64_t>::max() / *unit) {
        return "'" + std::string(text) + "' is not a duration such as 200ms, 3s, 5m or 24h";
    }
    return std::chrono::milliseconds(*count * *unit);
}

std::string duration_text(std::chrono::milliseconds duration) {
    const auto count = static_cast<std::uint64_t>(duration.count());
    if (count == 0) return "0";
    for (const auto& unit : units) {
        if (!unit.is_written || count % unit.milliseconds != 0) continue;
        return std::to_string(count / unit.milliseconds) + std::string(unit.name);
    }
    return std::to_string(count) + "ms";  // never reached: every count is a multiple of 1 ms
}

std::string rough_text(std::chrono::milliseconds duration) {
    constexpr std::uint64_t second = 1000;
    constexpr std::uint64_t minute = 60 * second;
    constexpr std::uint64_t hour = 60 * minute;
    constexpr std::uint64_t day = 24 * hour;
    const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
    const auto two = [&](std::uint64_t large, char one, std::uint64_t small, char other) {
        return std::to_string(ms / large) + one + ' ' + std::to_string(ms % large / small) + other;
    };
    if (ms < 10 * second)
        return std::to_string(ms / second) + '.' + std::to_string(ms % second / 100) + " s";
    if (ms < minute) return std::to_string(ms / second) + " s";
    if (ms < hour) return two(minute, 'm', second, 's');
    if (ms < 2 * day) return two(hour, 'h', minute, 'm');
    return std::to_string(ms / day) + " d";
}

}  // namespace twincached::lib
