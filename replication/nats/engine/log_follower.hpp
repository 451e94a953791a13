// Where this node is in the streams that it reads: looks at them, reads on from where it was, and
// finds out where that is no more, or never was. Owned by the engine, on the replication thread.
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/engine/footing.hpp"
#include "replication/nats/engine/node_state.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/log_reader.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

class LogFollower {
  public:
    LogFollower(ClusterContext& context, Footing& footing, Broker& broker, LogReader& reader,
                NodeState& state) noexcept
        : context_(context), footing_(footing), broker_(broker), reader_(reader), state_(state) {}

    // A connection stands.
    void begin();
    void on_time();
    void no_stream(StreamId stream, std::string_view why);
    // Only now is a stream that was found one that this node reads: it may be denied to it.
    void reading(StreamId stream);
    void consumer_lost(StreamId stream, std::string_view why);

    // Why the place is lost that this node had in the log, if it had one.
    using Lost = std::optional<std::string_view>;
    Lost stream_is(StreamId stream, const StreamState& stream_state);
    struct Read {
        std::optional<Heard> heard;  // none: it was read before, or is not to be read
        Lost lost;
    };
    Read read(const Delivery& delivery);

    // Of this site's; empty: it is there, and as far as is known somebody leads it.
    const std::string& why_no_stream() const noexcept;
    // What stands in the way of one of the streams, with its name; empty: all are read.
    std::string why_not_read() const;
    // What is to be said of how streams are set, each with its name; empty: nothing.
    std::string doubts() const;
    // In which streams somebody has spoken within a minute who is not of this cluster; empty: none.
    std::string strangers() const;

  private:
    void look(StreamId stream);
    void look_at_silent_streams();
    bool may_wait_in_vain(StreamId stream) const noexcept;
    void begin_without(StreamId stream);
    Read leave(StreamId stream, std::string_view why);
    bool is_doubtful(const Delivery& delivery);
    void warn_of(StreamId stream, std::uint64_t& said_at_ms, std::string_view what);
    // False: this node did not know its place.
    bool lose_place(StreamId stream);

    ClusterContext& context_;
    Footing& footing_;
    Broker& broker_;
    LogReader& reader_;
    NodeState& state_;
    std::array<std::uint64_t, streams_limit> look_at_ms_{};
    std::uint64_t began_ms_ = 0;
    bool has_begun_ = false;                          // ever
    std::array<std::string, streams_limit> said_of_;  // why it is not there; empty: it is
    std::array<std::string, streams_limit> said_in_doubt_;
    std::array<std::string, streams_limit> unread_;  // why it is not read, though it is there
    // Its end when it was looked at, until it is read.
    std::array<std::optional<Sequence>, streams_limit> found_{};
    std::array<bool, streams_limit> was_read_{};  // ever; or before a restart
    // The last message that may be of another log.
    struct Doubt {
        Sequence sequence = 0;
        std::uint64_t at_ms = 0;
    };
    std::array<Doubt, streams_limit> doubts_{};
    std::array<std::uint64_t, streams_limit> heard_at_ms_{};  // or looked at
    std::array<std::uint64_t, streams_limit> looked_at_ms_{};
    // Nothing has come for long of what was there when it was looked at, and it is looked at again.
    std::array<bool, streams_limit> waits_in_vain_{};
    // The last end of its consumer that was told of.
    struct End {
        std::string why;
        std::uint64_t at_ms = 0;
    };
    std::array<End, streams_limit> said_of_end_;
    std::array<std::uint64_t, streams_limit> strangers_at_ms_{};  // 0: none spoke there
    std::uint64_t said_of_strangers_ms_ = 0;                      // 0: not yet
    std::uint64_t said_of_clock_ms_ = 0;
};

}  // namespace twincached::replication::nats
