// Who speaks in the log, how far each has come by its own words, and who is waited for. All of it
// is made of what the log says and nothing else, so that nodes at the same place of it know the
// same, whenever they come there. Even time is the log's: it goes on from message to message by
// what the broker's clock says, but by no more than `pause_limit` at once: what nobody could say
// while there was no broker makes nobody silent.
//
// What a node says is taken if its session and number are higher than any before, and if it was not
// forgotten: whoever was silent for longer than the timeout is waited for by nobody, so that he may
// not know what others have stopped to remember; what he says of data then is void, to him, too.
//
// Owned by the engine, on the replication thread.
#pragma once

#include "replication/nats/cluster_options.hpp"
#include "replication/nats/log/message_header.hpp"
#include "replication/nats/removals/kept_removals.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace twincached::replication::nats {

struct Member {
    bool is_known = false;
    bool is_ready = false;
    bool is_in_step = false;
    bool reads_here = true;      // this site's stream
    StreamId home = own_stream;  // where it speaks
    std::uint64_t incarnation = 0;
    std::uint64_t session = 0;
    std::uint64_t number = 0;
    std::uint64_t heard_ms = 0;  // by its stream's own time
    std::array<Sequence, streams_limit> consumed{};
    std::uint8_t disbelieves = 0;  // whose versions it refuses, a bit for each node
    bool is_disbelieved = false;   // this node has refused the last that it told, in its session
};

class MemberTable {
  public:
    struct Limits {
        std::uint64_t timeout_ms = 0;
        std::uint64_t pause_ms = 0;
        std::uint64_t claim_ms = 0;  // who is in step and was heard within it makes claims void
    };
    MemberTable(const Limits& limits, unsigned self) noexcept : limits_(limits), self_(self) {}

    enum class Hearing : std::uint8_t {
        taken,
        is_late,        // of a session that is over, or heard before
        was_forgotten,  // it is a member from now on; what it said of data is void
    };
    // A message stands in that stream; `progress`: what it says of each of this node's streams.
    Hearing hear(StreamId stream, std::int64_t broker_ms, const MessageHeader& header,
                 const std::array<Sequence, streams_limit>& progress) noexcept;
    // It is a claim that stands, for nobody else of its site was in step: who made it is, from now
    // on. This node's own does not, if it has not listened for long enough to know. What other
    // sites do counts for nothing, for all nodes of one must judge alike, and each reads the other
    // site's mirror at its own pace: that two began alone their eras tell.
    bool grant_claim(unsigned node) noexcept;

    const Member& operator[](unsigned node) const noexcept { return members_[node]; }
    bool is_live(unsigned node) const noexcept;
    // Whether that one reads this site's stream, as it said last. If not it learns from nobody who
    // speaks here alone, and nobody here from it.
    void set_reads_here(unsigned node, bool whether) noexcept {
        members_[node].reads_here = whether;
    }
    // Others than this node.
    unsigned live_others() const noexcept;
    // `silent_streams`: a bit for each of which nothing is heard; who speaks there does not count.
    bool has_live_ready(unsigned silent_streams) const noexcept;
    // Nothing but a moment's pause has come between: the node does what it is to do.
    bool is_heard(unsigned node, unsigned silent_streams) const noexcept;
    std::uint64_t silent_ms(unsigned node) const noexcept;

    // Every other live member has come past that place.
    bool all_past(LogPlace place) const noexcept;
    // Everybody else who was heard within the timeout: who has left since, or is to be taken in
    // anew, comes back with what it holds, and who is not in step may find, and tell, something
    // old.
    bool all_in_step() const noexcept;

    // Whether this node has refused what that one told last.
    void set_disbelieved(unsigned node, bool whether) noexcept {
        members_[node].is_disbelieved = whether;
    }
    // A bit for each of them.
    std::uint8_t disbelieved() const noexcept;
    // There are others, and each has read what this node said there and refused what it told since.
    bool nobody_believes(LogPlace said) const noexcept;

    bool is_any_in_step() const noexcept;

    // As another node knows it, which a joining one takes over.
    void replace(unsigned node, const Member& member) noexcept { members_[node] = member; }
    std::uint64_t time_ms(StreamId stream) const noexcept { return times_[stream].log_ms; }
    std::int64_t broker_ms(StreamId stream) const noexcept { return times_[stream].broker_ms; }
    void set_time(StreamId stream, std::uint64_t log_ms, std::int64_t broker_ms) noexcept {
        times_[stream] = {log_ms, broker_ms};
    }
    // Another log has begun in the stream, or this node knows nothing of who speaks in it.
    void forget(StreamId stream) noexcept;

  private:
    struct Time {
        std::uint64_t log_ms = 0;
        std::int64_t broker_ms = 0;
    };
    void advance(StreamId stream, std::int64_t broker_ms) noexcept;

    const Limits limits_;
    const unsigned self_;
    std::array<Member, nodes_limit> members_{};
    std::array<Time, streams_limit> times_{};  // `log_ms`: for as long as it was listened to
};

}  // namespace twincached::replication::nats
