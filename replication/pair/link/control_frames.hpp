// The payloads of the link's own frames: who we are, whether we may be trusted, what state our
// data is in, heartbeats, farewell. Each has a write_frame() that appends the whole frame and a
// read_...() that takes a payload and gives nothing if it is not exactly one of that kind.
// The exchange's frames are in data_frames.hpp. Pure functions, any thread.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/exchange/standing.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

using Nonce = std::array<std::uint8_t, 32>;
using Mac = std::array<std::uint8_t, 32>;  // HMAC-SHA256

// 01: the first frame of both ends. A proof is made over the payloads: they are the bytes that
// follow the header of the frame that was written, or Frame::payload of the one that was read.
struct Challenge {
    std::uint16_t protocol_min = protocol_oldest;
    std::uint16_t protocol_max = protocol_newest;
    std::uint8_t node = 0;
    std::uint64_t epoch = 0;  // incarnation: random at the start of the process
    Nonce nonce{};
    std::string cluster;  // at most cluster_name_limit bytes
};

// 02
struct Proof {
    Mac mac{};
};

// 03: where each side stands. On the wire the exchange's half comes first, but for what it has from
// the link (see write_frame).
struct Hello : Standing {
    std::uint64_t live_session = 0;  // session that the sender holds open, 0 = none
    std::uint8_t role = 0;           // a Role, or primary_by_order
    std::uint64_t ready_since_ms = 0;
    std::uint64_t hash_check = 0;  // equal on nodes that hash keys alike
    std::string software_version{};
    // From protocol 2 on; as an operator writes it. Both nodes should be set alike.
    std::string settings{};
    // The sender's wall clock, in ms since 2025. Written last, of protocol 2, and absent from the
    // HELLO of a version that does not know it; such a peer is told of none in PINGs either.
    std::optional<std::int64_t> wall_ms{};
    // Of the hash that keys have on the sender, so that one that has served nobody takes it up:
    // masked on the wire (Handshake), for who knows it makes keys that are alike. Behind wall_ms,
    // and absent where that is, or where there is no secret.
    std::optional<std::uint64_t> hash_seed{};
};

// In HELLO, of a primary that an operator has made one: it stays it, whoever has served for longer.
inline constexpr std::uint8_t primary_by_order = 2;

// 21 and 22
struct Ping {
    std::uint64_t steady_ms = 0;  // sender's clock, echoed by the pong
    std::uint64_t version_time = 0;
    std::uint32_t receive_age_ms = 0;  // since the sender last heard anything
    std::uint32_t oldest_unapplied_ms = 0;
    std::uint64_t log_entries = 0;
    std::uint32_t dirty_buckets = 0;
    std::optional<std::int64_t> wall_ms{};  // as in HELLO
};
struct Pong {
    std::uint64_t echo_ms = 0;
    std::uint32_t held_ms = 0;  // between the ping's arrival and this
};

// What both nodes tell each other of who decides for both; from protocol 3 on.
struct ArbitrationState {
    std::uint8_t mode = 0;   // a storage::Arbitration: what the sender is set to
    std::uint32_t term = 0;  // of the seat: see seat.hpp

    bool operator==(const ArbitrationState&) const = default;
};

// 23
struct NodeState {
    bool serving = false;
    std::uint8_t role = 0;
    bool caught_up = false;  // Exchange::caught_up
    std::uint32_t dirty_buckets = 0;
    std::uint32_t walking_buckets = 0;
    std::uint64_t log_entries = 0;
    std::optional<ArbitrationState> arbitration{};  // of protocol 3, and then always
};

// 24: what an operator told the sender, as far as it concerns the receiver. Only to a peer that has
// capability_orders. See operator_orders.hpp.
enum class OrderWord : std::uint8_t {
    hand_over = 1,  // from a primary: take over, what I had is before this in the stream
    ask_for = 2,    // from a secondary: hand over to me
    took_over = 3,  // I am the primary now: step back
    compare = 4,    // all buckets, with me, who does the same
};
inline constexpr std::size_t order_words = 4;

struct OrderFrame {
    OrderWord word = OrderWord::took_over;
};

enum class ByeReason : std::uint8_t {
    shutdown = 1,
    crossed = 2,
    replaced = 3,
    unheard = 4,  // the sender takes the link for broken; it lives on
};

// 2F
struct Bye {
    ByeReason reason = ByeReason::shutdown;
    std::string text;
};

enum class ErrorReason : std::uint8_t {
    protocol = 1,  // a frame that makes no sense
    version = 2,   // no common protocol version
    cluster = 3,   // another cluster's name
    node = 4,      // equal node ids
    self = 5,      // our own epoch
    proof = 6,     // wrong secret
    hash = 7,      // keys hash differently
    clock = 8,     // too far in the future
    // Whoever says it has a secret, or speaks TLS, and the other one does not; or the other way
    // round. Versions before these show the text.
    secret_here = 9,
    secret_there = 10,
    tls_here = 11,
    tls_there = 12,
};

// 30. The number says it; each end words it for its own operator. The text is for ends that do not
// know the number, and so it names neither end: "this node" there is another one here.
struct Error {
    ErrorReason reason = ErrorReason::protocol;
    std::string text;
};
std::string_view text_of(ErrorReason reason) noexcept;

void write_frame(lib::ByteBuffer& out, const Challenge& challenge);
void write_frame(lib::ByteBuffer& out, const Proof& proof);
void write_frame(lib::ByteBuffer& out, const Hello& hello);
void write_frame(lib::ByteBuffer& out, const Ping& ping);
void write_frame(lib::ByteBuffer& out, const Pong& pong);
void write_frame(lib::ByteBuffer& out, const NodeState& state);
void write_frame(lib::ByteBuffer& out, const OrderFrame& order);
void write_frame(lib::ByteBuffer& out, const Bye& bye);
void write_frame(lib::ByteBuffer& out, const Error& error);

std::optional<Challenge> read_challenge(std::string_view payload);
std::optional<Proof> read_proof(std::string_view payload) noexcept;
// `protocol`: the version that was agreed on; it becomes the HELLO's.
std::optional<Hello> read_hello(std::string_view payload, std::uint16_t protocol);
std::optional<Ping> read_ping(std::string_view payload) noexcept;
std::optional<Pong> read_pong(std::string_view payload) noexcept;
std::optional<NodeState> read_state(std::string_view payload) noexcept;
// The word may be one of a later version, which is to be passed over.
std::optional<OrderFrame> read_order(std::string_view payload) noexcept;
std::optional<Bye> read_bye(std::string_view payload);
std::optional<Error> read_error(std::string_view payload);

}  // namespace twincached::replication::pair
