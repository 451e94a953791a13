// What the engine knows of a message broker that keeps a log: a stream of messages in one order,
// which every node reads from a place of its own choice. No thread, no socket: what is asked
// returns at once; what comes of it arrives as a call of BrokerEvents, on the replication thread.
// Nothing is kept for later by a broker that is not connected: what is asked of it then is lost,
// and `disconnected` has said so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

// Which of the streams that a node reads: its own site's, or another's mirrored here.
using StreamId = unsigned;
inline constexpr StreamId own_stream = 0;
using Sequence = std::uint64_t;  // of a message in its stream; the first is 1
using Token = std::uint64_t;     // chosen by the asker; comes back with the answer

struct StreamState {
    std::int64_t created = 0;  // ns since 1970, by the broker: another stream has another
    Sequence first = 0;        // of what is kept; last + 1 if nothing is
    Sequence last = 0;         // 0: there never was a message
    // Where this is a mirror, `created` of what it copies, else its own: so all sites know it
    // alike.
    std::int64_t origin_created = 0;  // 0: not known
    std::size_t max_message = 0;      // bytes; 0: as long as any may be
    // What somebody else has set it to, and the cluster suffers from; empty: nothing.
    std::string doubts{};
    // When the last message was stored, also of one that is gone, ms since 1970 by the broker's
    // clock; 0: there never was one.
    std::int64_t last_ms = 0;
};

struct Delivery {
    StreamId stream = own_stream;
    Sequence sequence = 0;
    std::int64_t time = 0;      // when the broker stored it, ms since 1970 by its clock
    std::uint64_t pending = 0;  // messages behind it that are known to be there
    std::string_view payload;   // valid for as long as the call lasts
};

class BrokerEvents {
  public:
    virtual ~BrokerEvents() = default;
    // A connection stands. A message must not exceed `max_payload` bytes.
    virtual void connected(std::size_t max_payload) = 0;
    // It is gone, with all that was asked through it: no other answer comes.
    virtual void disconnected(std::string_view why) = 0;
    // Answer to look(): the stream is there (created, if it was not and it is this site's).
    virtual void stream_is(StreamId stream, const StreamState& state) = 0;
    virtual void no_stream(StreamId stream, std::string_view why) = 0;
    // Answer to publish(): it is in the log, or was not taken (also after a while without an
    // answer).
    virtual void published(Token token, Sequence sequence) = 0;
    virtual void not_published(Token token, std::string_view why) = 0;
    // Answer to consume(): what is there, and what comes, is delivered. May come behind the first.
    virtual void reading(StreamId stream) = 0;
    // In the order of sequences, from the place that was asked for. One that is left out is not in
    // the log any more.
    virtual void delivered(const Delivery& delivery) = 0;
    // Nothing more will come of it: deliveries were lost on the way, heartbeats missed, the
    // consumer is gone, or there never was one.
    virtual void consumer_lost(StreamId stream, std::string_view why) = 0;
    // Another node asks: answer with reply(to, ...).
    virtual void asked(std::string_view subject, std::string_view payload, std::string_view to) = 0;
    // Answer to ask(); an ask may have several answers while it is open.
    virtual void answered(Token token, std::string_view payload, std::string_view to) = 0;
    virtual void not_answered(Token token, std::string_view why) = 0;  // nobody there, or too late
    // A message to all that is in no log: told().
    virtual void told(std::string_view subject, std::string_view payload) = 0;
};

class Broker {
  public:
    virtual ~Broker() = default;
    virtual void look(StreamId stream) = 0;
    // Into this site's stream, under this node's subject.
    virtual void publish(Token token, std::string_view payload) = 0;
    // From `from` on; what was consumed of this stream before ends.
    virtual void consume(StreamId stream, Sequence from) = 0;
    virtual void stop_consuming(StreamId stream) = 0;
    // Whether this node answers what is asked under `subject` (of all who do, one is chosen).
    virtual void serve(std::string_view subject, bool whether) = 0;
    virtual void ask(Token token, std::string_view subject, std::string_view payload) = 0;
    virtual void reply(std::string_view to, std::string_view payload) = 0;
    virtual void tell(std::string_view subject, std::string_view payload) = 0;
    // Another node may have this one's number, for the sentence's reason: the connection ends soon,
    // and over the next one this node asks for its number as if it had never had it.
    virtual void yield_number(std::string_view why) = 0;
};

}  // namespace twincached::replication::nats
