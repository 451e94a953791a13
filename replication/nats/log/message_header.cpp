#include "replication/nats/log/message_header.hpp"

#include "lib/crc32c.hpp"
#include "replication/nats/cluster_options.hpp"
#include "replication/records/wire.hpp"

namespace twincached::replication::nats {
namespace {

constexpr std::uint8_t message_magic = 0xC9;
constexpr std::uint8_t message_version = 1;
constexpr std::uint16_t flag_ready = 1;
constexpr std::uint16_t flag_in_step = 2;
constexpr std::uint16_t flag_claims = 4;
constexpr std::uint16_t flag_leaves = 8;

std::uint16_t flags_of(const MessageHeader& header) noexcept {
    unsigned flags = 0;
    if (header.is_ready) flags |= flag_ready;
    if (header.is_in_step) flags |= flag_in_step;
    if (header.claims) flags |= flag_claims;
    if (header.leaves) flags |= flag_leaves;
    return static_cast<std::uint16_t>(flags);
}

void take_flags(MessageHeader& header, std::uint16_t flags) noexcept {
    header.is_ready = (flags & flag_ready) != 0;
    header.is_in_step = (flags & flag_in_step) != 0;
    header.claims = (flags & flag_claims) != 0;
    header.leaves = (flags & flag_leaves) != 0;
}

}  // namespace

std::uint32_t tag_of(std::string_view stream_name) noexcept {
    return lib::crc32c(stream_name);
}

void write_progress(WireWriter& out, const StreamProgress& progress) {
    out.u32(progress.tag).u32(0).u64(static_cast<std::uint64_t>(progress.created));
    out.u64(progress.consumed);
}

StreamProgress read_progress(WireReader& in) noexcept {
    StreamProgress progress;
    progress.tag = in.u32();
    in.u32();
    progress.created = static_cast<std::int64_t>(in.u64());
    progress.consumed = in.u64();
    return progress;
}

void write_header(lib::ByteBuffer& out, const MessageHeader& header) {
    const auto before = out.size();
    WireWriter writer(out);
    writer.u8(message_magic).u8(message_version).u16(flags_of(header));
    writer.u8(header.node).u8(static_cast<std::uint8_t>(header.stream_count));
    writer.u8(header.disbelieved).u8(0);
    writer.u64(header.hash_check).u64(header.incarnation);
    writer.u64(header.session).u64(header.number).u64(header.era);
    for (unsigned i = 0; i < header.stream_count; ++i) {
        write_progress(writer, header.streams[i]);
    }
    const auto checksum = lib::crc32c(out.readable().substr(before));
    writer.u32(checksum).u32(0);
}

std::optional<Message> read_message(std::string_view payload) noexcept {
    WireReader in(payload);
    if (in.u8() != message_magic || in.u8() != message_version) return std::nullopt;
    Message message;
    auto& header = message.header;
    take_flags(header, in.u16());
    header.node = in.u8();
    header.stream_count = in.u8();
    header.disbelieved = in.u8();
    in.u8();
    header.hash_check = in.u64();
    header.incarnation = in.u64();
    header.session = in.u64();
    header.number = in.u64();
    header.era = in.u64();
    if (header.node >= nodes_limit || header.stream_count > streams_limit) return std::nullopt;
    for (unsigned i = 0; i < header.stream_count; ++i) {
        header.streams[i] = read_progress(in);
    }
    const auto covered = payload.size() - in.remaining();
    const auto checksum = in.u32();
    in.u32();
    if (in.failed() || lib::crc32c(payload.substr(0, covered)) != checksum) return std::nullopt;
    message.frames = in.bytes(in.remaining());
    return message;
}

}  // namespace twincached::replication::nats
