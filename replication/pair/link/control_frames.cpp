#include "replication/pair/link/control_frames.hpp"

#include "replication/pair/pair_options.hpp"
#include "replication/records/frame.hpp"
#include "replication/records/wire.hpp"

#include <algorithm>

namespace twincached::replication::pair {
namespace {

template <class Bytes>
std::string_view view_of(const Bytes& bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class Bytes>
void read_into(Bytes& bytes, WireReader& in) noexcept {
    const auto field = in.bytes(bytes.size());
    std::copy(field.begin(), field.end(), reinterpret_cast<char*>(bytes.data()));
}

// 0 or 1: who sends another number speaks another protocol, or lies.
bool boolean(WireReader& in) noexcept {
    const auto value = in.u8();
    if (value > 1) in.fail();
    return value == 1;
}

template <class Payload>
std::optional<Payload> if_complete(const WireReader& in, Payload payload) noexcept {
    if (!in.complete()) return std::nullopt;
    return payload;
}

// At the end of a payload, if it is there at all.
void write_wall(lib::ByteBuffer& out, const std::optional<std::int64_t>& wall_ms) {
    if (wall_ms) WireWriter(out).u64(static_cast<std::uint64_t>(*wall_ms));
}

std::optional<std::int64_t> read_wall(WireReader& in) noexcept {
    if (in.remaining() < sizeof(std::uint64_t)) return std::nullopt;
    return static_cast<std::int64_t>(in.u64());
}

}  // namespace

// For an end that does not know the number: true on either side of the link.
std::string_view text_of(ErrorReason reason) noexcept {
    switch (reason) {
        case ErrorReason::protocol:
            return "the protocol of the link was broken";
        case ErrorReason::version:
            return "the nodes have no version of the link's protocol in common";
        case ErrorReason::cluster:
            return "the nodes belong to different clusters";
        case ErrorReason::node:
            return "both nodes have the same name: set node = a on one and node = b on the other";
        case ErrorReason::self:
            return "both ends are the same node, or one is a copy of the other";
        case ErrorReason::proof:
            return "the secrets of the two nodes differ";
        case ErrorReason::hash:
            return "the nodes hash keys differently";
        case ErrorReason::clock:
            return "the clocks or versions of the nodes are further apart than clock-max-ahead";
        case ErrorReason::secret_here:
        case ErrorReason::secret_there:
            return "one node has a secret, the other has none";
        case ErrorReason::tls_here:
        case ErrorReason::tls_there:
            return "one node speaks TLS on the link, the other does not";
    }
    return "";
}

void write_frame(lib::ByteBuffer& out, const Challenge& challenge) {
    FrameWriter frame(out, FrameType::challenge);
    WireWriter(out)
        .u16(challenge.protocol_min)
        .u16(challenge.protocol_max)
        .u8(challenge.node)
        .u64(challenge.epoch)
        .bytes(view_of(challenge.nonce))
        .text(std::string_view(challenge.cluster).substr(0, cluster_name_limit));
    frame.finish();
}

// Read before anything is proved: whatever is not exactly a CHALLENGE is none, and the name of the
// cluster costs no more memory than the longest that can be configured.
std::optional<Challenge> read_challenge(std::string_view payload) {
    WireReader in(payload);
    Challenge challenge;
    challenge.protocol_min = in.u16();
    challenge.protocol_max = in.u16();
    challenge.node = in.u8();
    challenge.epoch = in.u64();
    read_into(challenge.nonce, in);
    challenge.cluster = in.text();
    if (challenge.cluster.size() > cluster_name_limit) in.fail();
    return if_complete(in, std::move(challenge));
}

void write_frame(lib::ByteBuffer& out, const Proof& proof) {
    FrameWriter frame(out, FrameType::proof);
    WireWriter(out).bytes(view_of(proof.mac));
    frame.finish();
}

std::optional<Proof> read_proof(std::string_view payload) noexcept {
    WireReader in(payload);
    Proof proof;
    read_into(proof.mac, in);
    return if_complete(in, proof);
}

// Fields of a fixed size in an order that never changes; what a later version adds comes behind the
// texts, where an older one does not look. REPLICATION.md, section "frames", has the table.
void write_frame(lib::ByteBuffer& out, const Hello& hello) {
    FrameWriter frame(out, FrameType::hello);
    WireWriter(out)
        .u64(hello.epoch)
        .u64(hello.peer_epoch)
        .u64(hello.past.session)
        .u64(hello.past.sent)
        .u64(hello.past.applied)
        .u64(hello.past.heard_session)
        .u64(hello.past.heard_applied)
        .u64(hello.past.heard_acked)
        .u64(hello.version_time)
        .u64(hello.flush_version)
        .u64(hello.schedule_at_ms)
        .u64(hello.schedule_version)
        .u64(hello.items)
        .u32(hello.dirty_buckets)
        .u64(hello.steady_ms)
        .u64(hello.version_ms)
        .u64(hello.live_session)
        .u8(hello.role)
        .u64(hello.ready_since_ms)
        .u64(hello.item_size_limit)
        .u64(hello.capabilities)
        .u64(hello.hash_check)
        .text(hello.software_version);
    if (hello.protocol >= 2) {
        WireWriter(out).text(hello.settings);
        write_wall(out, hello.wall_ms);
        if (hello.wall_ms && hello.hash_seed) WireWriter(out).u64(*hello.hash_seed);
    }
    frame.finish();
}

// `protocol`: what the two CHALLENGEs agreed on. From 2 on what follows the known fields is left
// unread: a newer peer may know more.
std::optional<Hello> read_hello(std::string_view payload, std::uint16_t protocol) {
    WireReader in(payload);
    Hello hello;
    hello.epoch = in.u64();
    hello.peer_epoch = in.u64();
    hello.past.session = in.u64();
    hello.past.sent = in.u64();
    hello.past.applied = in.u64();
    hello.past.heard_session = in.u64();
    hello.past.heard_applied = in.u64();
    hello.past.heard_acked = in.u64();
    hello.version_time = in.u64();
    hello.flush_version = in.u64();
    hello.schedule_at_ms = in.u64();
    hello.schedule_version = in.u64();
    hello.items = in.u64();
    hello.dirty_buckets = in.u32();
    hello.steady_ms = in.u64();
    hello.version_ms = in.u64();
    hello.live_session = in.u64();
    hello.role = in.u8();
    hello.ready_since_ms = in.u64();
    hello.item_size_limit = in.u64();
    hello.capabilities = in.u64();
    hello.hash_check = in.u64();
    hello.software_version = in.text();
    hello.protocol = protocol;
    if (protocol < 2) return if_complete(in, std::move(hello));
    hello.settings = in.text();
    hello.wall_ms = read_wall(in);
    if (in.remaining() >= sizeof(std::uint64_t)) hello.hash_seed = in.u64();
    if (in.failed()) return std::nullopt;
    return hello;
}

void write_frame(lib::ByteBuffer& out, const Ping& ping) {
    FrameWriter frame(out, FrameType::ping);
    WireWriter(out)
        .u64(ping.steady_ms)
        .u64(ping.version_time)
        .u32(ping.receive_age_ms)
        .u32(ping.oldest_unapplied_ms)
        .u64(ping.log_entries)
        .u32(ping.dirty_buckets);
    write_wall(out, ping.wall_ms);
    frame.finish();
}

// The fixed part must be there whole; a wall clock may follow.
std::optional<Ping> read_ping(std::string_view payload) noexcept {
    WireReader in(payload);
    Ping ping;
    ping.steady_ms = in.u64();
    ping.version_time = in.u64();
    ping.receive_age_ms = in.u32();
    ping.oldest_unapplied_ms = in.u32();
    ping.log_entries = in.u64();
    ping.dirty_buckets = in.u32();
    ping.wall_ms = read_wall(in);
    return if_complete(in, ping);
}

void write_frame(lib::ByteBuffer& out, const Pong& pong) {
    FrameWriter frame(out, FrameType::pong);
    WireWriter(out).u64(pong.echo_ms).u32(pong.held_ms);
    frame.finish();
}

std::optional<Pong> read_pong(std::string_view payload) noexcept {
    WireReader in(payload);
    Pong pong;
    pong.echo_ms = in.u64();
    pong.held_ms = in.u32();
    return if_complete(in, pong);
}

void write_frame(lib::ByteBuffer& out, const NodeState& state) {
    FrameWriter frame(out, FrameType::state);
    WireWriter(out)
        .u8(state.serving ? 1 : 0)
        .u8(state.role)
        .u8(state.caught_up ? 1 : 0)
        .u32(state.dirty_buckets)
        .u32(state.walking_buckets)
        .u64(state.log_entries);
    if (state.arbitration) WireWriter(out).u8(state.arbitration->mode).u32(state.arbitration->term);
    frame.finish();
}

std::optional<NodeState> read_state(std::string_view payload) noexcept {
    WireReader in(payload);
    NodeState state;
    state.serving = boolean(in);
    state.role = in.u8();
    state.caught_up = boolean(in);
    state.dirty_buckets = in.u32();
    state.walking_buckets = in.u32();
    state.log_entries = in.u64();
    if (in.remaining() > 0) {
        auto& told = state.arbitration.emplace();
        told.mode = in.u8();
        told.term = in.u32();
    }
    return if_complete(in, state);
}

// Ignorable: a peer that does not know the frame passes over it, so that it needs no version of its
// own. Nobody is sent one without the capability all the same (operator_orders.hpp).
void write_frame(lib::ByteBuffer& out, const OrderFrame& order) {
    FrameWriter frame(out, FrameType::order, 0, frame_ignorable);
    WireWriter(out).u8(static_cast<std::uint8_t>(order.word));
    frame.finish();
}

std::optional<OrderFrame> read_order(std::string_view payload) noexcept {
    WireReader in(payload);
    const OrderFrame order{static_cast<OrderWord>(in.u8())};
    return if_complete(in, order);
}

void write_frame(lib::ByteBuffer& out, const Bye& bye) {
    FrameWriter frame(out, FrameType::bye);
    WireWriter(out).u8(static_cast<std::uint8_t>(bye.reason)).text(bye.text);
    frame.finish();
}

// The text goes into a log line, quoted and made printable there: nothing of it is believed.
std::optional<Bye> read_bye(std::string_view payload) {
    WireReader in(payload);
    Bye bye;
    bye.reason = static_cast<ByeReason>(in.u8());
    bye.text = in.text();
    return if_complete(in, std::move(bye));
}

void write_frame(lib::ByteBuffer& out, const Error& error) {
    FrameWriter frame(out, FrameType::error);
    WireWriter(out).u8(static_cast<std::uint8_t>(error.reason)).text(error.text);
    frame.finish();
}

std::optional<Error> read_error(std::string_view payload) {
    WireReader in(payload);
    Error error;
    error.reason = static_cast<ErrorReason>(in.u8());
    error.text = in.text();
    return if_complete(in, std::move(error));
}

}  // namespace twincached::replication::pair
