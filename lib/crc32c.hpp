// CRC-32C (Castagnoli, RFC 3720 appendix B.4): guards the frames of the peer link. Uses the
// processor's instruction where there is one, else a table; both give the same sums.
#pragma once

#include <cstdint>
#include <string_view>

namespace twincached::lib {

// The sum of `bytes`, going on from `previous` (the sum of what stands before them).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t previous = 0) noexcept;

// The portable form; for processors without the instruction, and for tests of the other.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t previous = 0) noexcept;

}  // namespace twincached::lib
