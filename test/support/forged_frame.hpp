// A frame with a valid checksum, also one that no writer of ours may build: a payload above what
// the type may have, a type that is none.
#pragma once

#include "lib/crc32c.hpp"
#include "lib/endian.hpp"
#include "replication/records/frame.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::test {

inline std::string forged_frame(replication::FrameType type, std::uint64_t seq,
                                std::string_view payload) {
    std::string bytes(replication::frame_header_size, '\0');
    char* header = bytes.data();
    lib::store_little(header, replication::frame_magic);
    lib::store_little(header + 1, static_cast<std::uint8_t>(type));
    lib::store_little(header + 4, static_cast<std::uint32_t>(payload.size()));
    lib::store_little(header + 8, seq);
    const auto checksum = lib::crc32c(payload, lib::crc32c({header, 16}));
    lib::store_little(header + 16, checksum);
    bytes += payload;
    return bytes;
}

}  // namespace twincached::test
