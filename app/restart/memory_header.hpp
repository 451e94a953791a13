// What a memory file says of itself before its items, and how far that is believed: its sum may be
// right and its numbers all the same a lie. Values and pure functions, any thread.
#pragma once

#include "app/process/node_clock.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::app {

struct MemoryHeader {
    std::uint64_t node = 0;        // in its versions; no_node: of a node alone
    std::uint64_t hash_check = 0;  // of Store::key
    ClockReading clocks;           // when it was written
    std::uint64_t steady_ms = 0;   // the node's own clock then
    storage::Store::Registers registers;

    static constexpr std::uint64_t no_node = 255;
};

// So long no node has run, nor will: with more, the clocks' numbers would not suffice.
inline constexpr std::uint64_t steady_ms_most = (std::uint64_t{1} << 31) * 1000;

std::string bytes_of(const MemoryHeader& header);
// Nothing if the bytes are no header, or its clocks show what no clock can.
std::optional<MemoryHeader> header_of(std::string_view bytes) noexcept;
// How long it is since it was written; nothing if it was written later than now.
std::optional<std::uint64_t> away_ms(const MemoryHeader& header, const ClockReading& now) noexcept;
// Are its clock, and the flush to come, no further than that, and the last flush no further than
// its clock? In the units of storage::last_time.
bool has_sensible_registers(const MemoryHeader& header, std::uint64_t last_time) noexcept;

}  // namespace twincached::app
