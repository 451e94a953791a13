// Finds the streams that a node reads, and makes those that are not there: this site's, and the
// mirrors of the other sites'. A mirror whose origin was made anew, or that copies nothing of it
// any more, is made anew, too. Owned by JetStreamBroker; the replication thread alone.
//
//     look --> [the origin's STREAM.INFO, if it is a mirror] --> STREAM.INFO --> told
//                missing --> STREAM.CREATE                        of no use --> STREAM.DELETE,
//                                                                               CREATE
//
// What a NATS server (2.9) is told to make while it still removes what had that name loses its
// files, and keeps nothing, without a word to anybody. So nothing is made again at once, and of a
// site's nodes one does it while the others wait, and look again.
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/jetstream/api_calls.hpp"
#include "replication/nats/jetstream/broker_session.hpp"
#include "replication/nats/jetstream/stream_doubts.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>

namespace twincached::replication::nats {

class StreamFinder {
  public:
    StreamFinder(BrokerSession& session, ApiCalls& calls) noexcept
        : session_(session), calls_(calls) {}

    // Ends with stream_is or no_stream, unless the connection ends first. Harmless while it is
    // under way. REQUIRES: a connection stands, and the stream is known.
    void look(StreamId stream);
    void on_timer();
    std::optional<BrokerSettings::Instant> deadline() const;
    void clear();

  private:
    using Found = ApiAnswer<StreamInfo>;

    void on_origin(StreamId stream, const ApiCalls::Answer& answer);
    void look_here(StreamId stream);
    void on_looked(StreamId stream, const ApiCalls::Answer& answer);
    bool is_of_no_use(StreamId stream, const StreamInfo& info);
    bool is_outdated(StreamId stream, const StreamInfo& info) const;
    bool stands_still(StreamId stream, const StreamState& mirror);
    void wait_for_turn(StreamId stream);
    void remove(StreamId stream);
    void create(StreamId stream);
    void create_mirror(StreamId stream);
    void request_creation(StreamId stream, std::string_view body);
    void on_created(StreamId stream, const ApiCalls::Answer& answer);
    void end(StreamId stream, const Found& found);
    void confirm(StreamId stream, std::int64_t created);
    StreamNeeds needs_of(StreamId stream) const;
    ApiCalls::Request request(std::string_view what, std::string_view name,
                              std::string_view body = {}) const;

    BrokerSession& session_;
    ApiCalls& calls_;
    // What was told of a stream and is asked for once more.
    struct Told {
        std::int64_t created = 0;
        BrokerSettings::Instant confirm_at{0};
    };

    // One that is under way.
    struct Look {
        bool has_waited = false;
        std::optional<BrokerSettings::Instant> again_at;
    };
    // A mirror that had come to `at` then, and its origin was ahead.
    struct Standstill {
        Sequence at = 0;
        BrokerSettings::Instant since{0};
    };

    std::map<StreamId, Look> looking_;
    std::map<StreamId, Told> told_;
    std::map<StreamId, StreamState> origins_;  // of mirrors, where it is known
    std::map<StreamId, Standstill> still_;
    std::set<StreamId> seen_;  // since this node was started
};

}  // namespace twincached::replication::nats
