// Finds the streams that a node reads, and makes those that are not there: this site's, and the
// mirrors of the other sites'. A mirror whose origin was made anew is made anew, too. Owned by
// JetStreamBroker; the replication thread alone.
//
//     look --> [the origin's STREAM.INFO, if it is a mirror] --> STREAM.INFO --> told
//                missing --> STREAM.CREATE                        outdated --> STREAM.DELETE,
//                CREATE
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
    bool is_outdated(StreamId stream, const StreamInfo& info) const;
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

    std::set<StreamId> looking_;
    std::map<StreamId, Told> told_;
    std::map<StreamId, std::int64_t> origins_;  // of mirrors: when made, if that is known
};

}  // namespace twincached::replication::nats
