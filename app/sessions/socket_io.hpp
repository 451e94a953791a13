// Bytes in and out of a non-blocking stream socket. The one place that a stream of another kind
// (TLS) would stand beside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace twincached::app {

// ended: closed by the client. broken: an error.
enum class Transfer : std::uint8_t { done, would_block, ended, broken };

struct Transferred {
    Transfer outcome = Transfer::ended;
    std::size_t count = 0;  // of `done`; above 0
};

inline constexpr std::size_t segments_per_write = 64;

Transferred receive(int descriptor, char* into, std::size_t size) noexcept;
// Something waits to be received.
bool holds_bytes(int descriptor) noexcept;
// Whoever is at the other end sends no more, or has gone.
bool has_hung_up(int descriptor) noexcept;
// Asks the other end from time to time whether it is still there. No harm where that cannot be
// done.
void keep_alive(int descriptor) noexcept;
// At most segments_per_write segments.
Transferred send(int descriptor, std::span<const std::string_view> segments) noexcept;

}  // namespace twincached::app
