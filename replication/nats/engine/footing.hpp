// Where a node of a cluster stands: with its broker, in the log, with the other nodes and with its
// clients. Plain facts, noted by the engine, and what follows from them. Owned by the engine, on
// the replication thread.
#pragma once

#include "replication/nats/log/cluster_context.hpp"

#include <array>

namespace twincached::replication::nats {

// Of a stream in which nothing is said for so long.
inline constexpr std::uint64_t silent_heartbeats = 5;

struct Footing {
    bool is_connected = false;
    bool is_member = false;   // this node's word was taken in the log that it reads
    bool has_spoken = false;  // the same, over this connection
    bool is_in_step = false;
    bool compares_all = true;  // before it is in step, or begins alone
    bool is_ready = false;
    Sequence spoke_at = 0;    // where its first word over this connection stands
    bool is_off = false;      // by its clock: others refuse its versions, or it theirs
    bool is_doubled = false;  // somebody else may speak as this node, which is about to be cut off
    // Items came back from before a restart, and nobody has confirmed them.
    bool is_unconfirmed = false;
    bool is_second = false;  // others know better what there was; until it is in step
    Era recalled_era = 0;  // of those items; 0: there are none, or others know what this node knew
    bool is_draining = false;
    bool is_drained = false;
    unsigned looked = 0;  // a bit for each stream that is read, or that nothing is waited of
    unsigned silent = 0;  // the same: nothing was heard there for long, or over this connection
    std::array<Sequence, streams_limit> catch_up_to{};

    // It is read from now on, and had come to `last` when it was looked at.
    void note_look(StreamId stream, Sequence last) noexcept {
        looked |= 1U << stream;
        catch_up_to[stream] = last;
    }
    bool has_looked_at(StreamId stream) const noexcept {
        return is_connected && (looked >> stream & 1U) != 0;
    }
    void lose_look(StreamId stream) noexcept { looked &= ~(1U << stream); }

    bool has_looked(const ClusterContext& context) const noexcept {
        return is_connected && looked == (1U << context.stream_count()) - 1;
    }
    void note_silence(StreamId stream, bool is_silent) noexcept {
        silent = (silent & ~(1U << stream)) | (is_silent ? 1U << stream : 0U);
    }
    bool is_silent(StreamId stream) const noexcept { return (silent >> stream & 1U) != 0; }
    // All is read that was there when the connection was made.
    bool has_caught_up(const ClusterContext& context) const noexcept {
        for (unsigned i = 0; i < context.stream_count(); ++i) {
            const auto& place = context.places[i];
            if (place.consumed < catch_up_to[i]) return false;
        }
        return has_looked(context);
    }
    // First all is read that was there when the connection was made, then this node's own word is,
    // and only then does it say anything of its data: so it cannot tell what others have removed.
    bool may_tell_data(const ClusterContext& context) const noexcept {
        return has_caught_up(context) && has_spoken && context.knows_its_place() && !is_doubled &&
               !is_off;
    }
    // Others may learn from it.
    bool is_donor() const noexcept { return is_in_step && is_ready && !is_draining; }
};

}  // namespace twincached::replication::nats
