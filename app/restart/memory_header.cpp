#include "app/restart/memory_header.hpp"

#include "lib/endian.hpp"

#include <algorithm>
#include <array>

namespace twincached::app {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::size_t header_numbers = 10;

bool has_sensible_clocks(const MemoryHeader& header) noexcept {
    return header.clocks.boot_ns >= 0 && header.clocks.real_ns >= 0 &&
           header.steady_ms <= steady_ms_most;
}

// Of the writer's clock, in the units of a hybrid one.
std::uint64_t time_of(const MemoryHeader& header) noexcept {
    const auto time = header.registers.version_time;
    return header.node == MemoryHeader::no_node ? time >> 2 : time;
}

}  // namespace

std::string bytes_of(const MemoryHeader& header) {
    const auto& registers = header.registers;
    const std::array<std::uint64_t, header_numbers> numbers{
        header.node,
        header.hash_check,
        static_cast<std::uint64_t>(header.clocks.boot_ns),
        static_cast<std::uint64_t>(header.clocks.real_ns),
        header.steady_ms,
        registers.version_time,
        registers.flush_version,
        registers.schedule.at_steady_ms,
        registers.schedule.version,
        registers.schedule_is_own ? 1U : 0U};
    std::string bytes(sizeof numbers, '\0');
    for (std::size_t i = 0; i < numbers.size(); ++i)
        lib::store_little(bytes.data() + i * sizeof numbers[i], numbers[i]);
    return bytes;
}

std::optional<MemoryHeader> header_of(std::string_view bytes) noexcept {
    std::array<std::uint64_t, header_numbers> numbers{};
    if (bytes.size() != sizeof numbers) return std::nullopt;
    for (std::size_t i = 0; i < numbers.size(); ++i)
        numbers[i] = lib::load_little<std::uint64_t>(bytes.data() + i * sizeof numbers[i]);
    MemoryHeader header;
    header.node = numbers[0];
    header.hash_check = numbers[1];
    header.clocks.boot_ns = static_cast<std::int64_t>(numbers[2]);
    header.clocks.real_ns = static_cast<std::int64_t>(numbers[3]);
    header.steady_ms = numbers[4];
    header.registers.version_time = numbers[5];
    header.registers.flush_version = numbers[6];
    header.registers.schedule.at_steady_ms = numbers[7];
    header.registers.schedule.version = numbers[8];
    header.registers.schedule_is_own = numbers[9] != 0;
    if (!has_sensible_clocks(header)) return std::nullopt;
    return header;
}

// The same machine knows how long it was from a clock that nobody sets; after a boot there is only
// the clock on the wall. Where they differ the longer time counts: items expire too early then, but
// never too late. Nothing if both have gone back.
std::optional<std::uint64_t> away_ms(const MemoryHeader& header, const ClockReading& now) noexcept {
    const ClockReading& then = header.clocks;
    const auto longer = std::max(now.boot_ns - then.boot_ns, now.real_ns - then.real_ns);
    if (longer < 0) return std::nullopt;
    return static_cast<std::uint64_t>(longer / ns_per_ms);
}

// A flush was in the past of the clock that wrote it down. The request for one need not be: a clock
// that counts does not take its version over.
bool has_sensible_registers(const MemoryHeader& header, std::uint64_t last_time) noexcept {
    const auto& registers = header.registers;
    return time_of(header) <= last_time &&
           storage::time_of(registers.flush_version) <= time_of(header) &&
           storage::time_of(registers.schedule.version) <= last_time;
}

}  // namespace twincached::app
