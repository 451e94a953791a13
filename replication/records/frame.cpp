#include "replication/records/frame.hpp"

#include "lib/crc32c.hpp"
#include "lib/endian.hpp"

#include <cassert>

namespace twincached::replication {
namespace {

constexpr std::size_t length_at = 4;
constexpr std::size_t seq_at = 8;
constexpr std::size_t checksum_at = 16;
constexpr std::size_t reserved_at = 20;

char* writable(lib::ByteBuffer& buffer, std::size_t offset) noexcept {
    return const_cast<char*>(buffer.readable().data()) + offset;
}

}  // namespace

// The cheapest is asked first, and each as soon as its bytes are there: whoever is no peer of ours
// is found out by his first byte, and a length that is too long before anything is kept for it. The
// checksum covers the header but for itself, so that a length or a number cannot be damaged unseen.
FrameRead read_frame(std::string_view bytes, std::size_t payload_limit) noexcept {
    FrameRead result;
    result.size = frame_header_size;
    if (!bytes.empty() && static_cast<std::uint8_t>(bytes[0]) != frame_magic) {
        result.status = FrameStatus::malformed;
        return result;
    }
    if (bytes.size() < frame_header_size) return result;

    const auto length = lib::load_little<std::uint32_t>(bytes.data() + length_at);
    const auto reserved = lib::load_little<std::uint32_t>(bytes.data() + reserved_at);
    const auto type = static_cast<FrameType>(bytes[1]);
    if (length > payload_limit || length > payload_limit_of(type) || reserved != 0) {
        result.status = FrameStatus::malformed;
        return result;
    }
    result.size = frame_header_size + length;
    if (bytes.size() < result.size) return result;

    const auto payload = bytes.substr(frame_header_size, length);
    const auto checksum = lib::crc32c(payload, lib::crc32c(bytes.substr(0, checksum_at)));
    if (checksum != lib::load_little<std::uint32_t>(bytes.data() + checksum_at)) {
        result.status = FrameStatus::malformed;
        return result;
    }
    result.status = FrameStatus::complete;
    result.frame = {type, lib::load_little<std::uint16_t>(bytes.data() + 2),
                    lib::load_little<std::uint64_t>(bytes.data() + seq_at), payload};
    return result;
}

FrameWriter::FrameWriter(lib::ByteBuffer& out, FrameType type, std::uint64_t seq,
                         std::uint16_t flags)
    : out_(out), start_(out.size()), seq_(seq), type_(type), flags_(flags) {
    out_.prepare(frame_header_size);
    out_.commit(frame_header_size);
}

std::size_t FrameWriter::payload_size() const noexcept {
    return out_.size() - start_ - frame_header_size;
}

// The header is filled in last, for the length and the checksum are those of what was appended.
void FrameWriter::finish() noexcept {
    const auto length = payload_size();
    assert(length <= payload_limit_of(type_));
    char* header = writable(out_, start_);
    lib::store_little(header, frame_magic);
    lib::store_little(header + 1, static_cast<std::uint8_t>(type_));
    lib::store_little(header + 2, flags_);
    lib::store_little(header + length_at, static_cast<std::uint32_t>(length));
    lib::store_little(header + seq_at, seq_);
    const auto payload = out_.readable().substr(start_ + frame_header_size, length);
    const auto checksum = lib::crc32c(payload, lib::crc32c({header, checksum_at}));
    lib::store_little(header + checksum_at, checksum);
    lib::store_little(header + reserved_at, std::uint32_t{0});
}

void FrameWriter::cancel() noexcept {
    out_.truncate(start_);
}

void write_empty_frame(lib::ByteBuffer& out, FrameType type) {
    FrameWriter(out, type).finish();
}

}  // namespace twincached::replication
