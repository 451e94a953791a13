// JetStream's requests and answers as JSON (nats.io, "JetStream wire API reference"). Whatever
// comes from the broker is distrusted: what lacks a number, or has one out of its range, is an
// error and never a guess. Pure; any thread.
#pragma once

#include "lib/result.hpp"
#include "replication/nats/broker.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::replication::nats {

enum class Storage : std::uint8_t { memory, file };

// A log that keeps less forgets what a node that stands still for a moment has not read.
inline constexpr std::uint64_t stream_least_bytes = 1U << 20;

// How a stream is made, if it is not there.
struct StreamSettings {
    unsigned replicas = 1;
    Storage storage = Storage::file;
    std::chrono::milliseconds max_age{};
    std::uint64_t max_bytes = 0;
    // Of one that somebody else made: what is younger must be there.
    std::chrono::milliseconds least_age{};
};

std::string stream_request(std::string_view stream, std::string_view subjects,
                           const StreamSettings& settings);
// A copy of the stream `origin` of another domain. `origin_created` is kept with it: a mirror does
// not notice that what it mirrors was made anew.
struct MirrorOf {
    std::string origin;
    std::string domain;
    std::int64_t origin_created = 0;
};
std::string mirror_request(std::string_view stream, const MirrorOf& of,
                           const StreamSettings& settings);

// A consumer that this node's connection alone listens to, from a sequence on.
struct ConsumerSettings {
    std::string deliver_to;
    Sequence from = 1;
    std::chrono::milliseconds heartbeat{};
};
std::string consumer_request(std::string_view stream, const ConsumerSettings& settings);

// What an answer says instead of what was asked for.
struct ApiError {
    ApiError() = default;
    ApiError(int code_number, std::string reason) : code(code_number), why(std::move(reason)) {}

    int code = 0;  // as HTTP's; 0: the answer makes no sense
    std::string why;
};
template <class T>
using ApiAnswer = boost::system::result<T, ApiError>;

// What a stream is set to, where that concerns nodes; 0: without a bound.
struct StreamTraits {
    std::vector<std::string> subjects;
    std::string retention;
    std::chrono::milliseconds max_age{};
    std::uint64_t per_subject = 0;  // messages
    std::uint64_t max_messages = 0;
    std::uint64_t max_bytes = 0;
    std::uint64_t max_consumers = 0;
    bool discards_new = false;
    bool is_mirror = false;
    bool is_sealed = false;
    bool has_no_ack = false;
};

// `origin_created` of a mirror is what mirror_request had, and 0 of one that somebody else made.
struct StreamInfo {
    StreamState state;
    StreamTraits traits{};
};
// Of STREAM.INFO and of STREAM.CREATE.
ApiAnswer<StreamInfo> read_stream_info(std::string_view json);
// The name that the consumer got.
ApiAnswer<std::string> read_consumer_created(std::string_view json);
// The sequence of a publication in this stream.
ApiAnswer<Sequence> read_publish_ack(std::string_view json, std::string_view stream);

// ns since 1970 of "2026-11-29T07:21:59.370708115Z".
std::optional<std::int64_t> read_time(std::string_view text) noexcept;

// Where a delivered message stood, as its reply subject tells.
//
//     $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<number>.<time>.<pending>
//     $JS.ACK.<domain>.<account>.<stream>.<consumer>. ... .<pending>.<random>
struct Place {
    std::string_view stream;
    Sequence sequence = 0;
    std::uint64_t number = 0;  // of this consumer's deliveries; the first is 1
    std::int64_t time_ns = 0;  // since 1970
    std::uint64_t pending = 0;
};
std::optional<Place> read_place(std::string_view reply) noexcept;

}  // namespace twincached::replication::nats
