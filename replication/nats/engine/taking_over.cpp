#include "replication/nats/engine/taking_over.hpp"

#include "replication/nats/log/items_in_doubt.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace twincached::replication::nats {
namespace {

// This node's stream, for each of the giver's.
using HereByTheirs = std::array<std::optional<StreamId>, streams_limit>;

// The highest version that such a time can give.
constexpr storage::Version last_of(std::uint64_t version_time) noexcept {
    return (version_time << 13) | 0x1FFF;
}

HereByTheirs streams_here(const ClusterContext& context, const GivenState& state) noexcept {
    HereByTheirs here{};
    for (std::size_t theirs = 0; theirs < state.streams.size(); ++theirs) {
        for (unsigned i = 0; i < context.stream_count(); ++i) {
            const auto& given = state.streams[theirs];
            const bool is_same = given.tag == tag_of(context.options.streams[i]) &&
                                 may_be_same_log(given.created, context.places[i].epoch);
            if (is_same) here[theirs] = i;
        }
    }
    return here;
}

// All is compared with what the giver holds, which has read further there. To read that as well
// would bring back what became of it in another log, of which this node goes on behind that.
void leave_what_is_behind(ClusterContext& context, const GivenState& state,
                          const HereByTheirs& here) noexcept {
    for (std::size_t theirs = 0; theirs < state.streams.size(); ++theirs) {
        if (!here[theirs]) continue;
        auto& place = context.places[*here[theirs]];
        place.is_known = place.is_known && place.consumed >= state.streams[theirs].consumed;
    }
}

void take_members(ClusterContext& context, const GivenState& state, const HereByTheirs& here) {
    for (const auto& [node, theirs] : state.members) {
        const auto home = here[theirs.home];
        if (!home || context.places[*home].is_known) continue;
        auto member = theirs;
        member.home = *home;
        member.consumed = {};
        for (std::size_t i = 0; i < state.streams.size(); ++i)
            if (here[i]) member.consumed[*here[i]] = theirs.consumed[i];
        context.members.replace(node, member);
    }
}

void take_removals(ClusterContext& context, const GivenState& state) {
    const auto here = streams_here(context, state);
    for (const auto& removal : state.removals) {
        if (!context.admits(removal.version)) continue;
        const auto number = context.store->shard_of(removal.hash);
        const auto stream = here[removal.place.stream];
        const bool is_somewhere = stream && removal.place != nowhere_yet;
        const auto place =
            is_somewhere ? LogPlace{*stream, removal.place.sequence} : context.end_of_log();
        context.with_shard(number, [&](storage::Shard& shard) {
            context.sink.removals(number).note(removal.hash, removal.version, place);
            const auto key = key_held_before(context, shard, removal.hash, removal.version);
            if (!key.empty()) shard.drop_in_doubt({key, removal.hash}, context.now);
        });
    }
}

void take_floors(ClusterContext& context, const GivenState& state) {
    for (const auto& floor : state.floors) {
        if (floor.version == 0 || !context.admits(floor.version)) continue;
        const auto number = context.store->shard_of_bucket(floor.bucket);
        context.with_shard(number, [&](storage::Shard&) {
            context.sink.removals(number).raise_floor(floor.bucket, floor.version);
        });
    }
}

}  // namespace

void take_registers(ClusterContext& context, const GivenState& state) {
    context.clock.guess(state.broker_now_ms, context.now);
    if (context.gate().admits_time(state.version_time))
        context.store->observe(last_of(state.version_time));
    if (state.flush != 0 && context.admits(state.flush)) {
        context.store->apply_flush(state.flush);
        context.sink.changes().peer_knows_flush(state.flush);
    }
    // Who knows its place has read, or will read, what became of its items.
    const bool is_in_doubt = !context.knows_its_place();
    for (const auto& floor : state.floors) {
        if (!context.admits(floor.ever)) continue;
        const auto number = context.store->shard_of_bucket(floor.bucket);
        context.with_shard(number, [&](storage::Shard&) {
            auto& removals = context.sink.removals(number);
            if (is_in_doubt) removals.note_doubt(floor.bucket, floor.ever);
            removals.raise_ever(floor.bucket, floor.ever);
        });
    }
    take_removals(context, state);
    if (state.schedule != 0 && context.admits(state.schedule)) {
        context.store->apply_flush_schedule(context.clock.here_ms(state.schedule_at_ms),
                                            state.schedule);
    }
}

bool take_place(ClusterContext& context, Broker& broker, const GivenState& state) {
    const auto here = streams_here(context, state);
    for (unsigned i = 0; i < context.stream_count(); ++i) {
        const bool is_given = std::find(here.begin(), here.end(), i) != here.end();
        if (!is_given && !context.places[i].is_known) return false;
    }
    leave_what_is_behind(context, state, here);
    // Who has spoken since is heard again, of what the giver knew.
    for (unsigned i = 0; i < context.stream_count(); ++i)
        if (!context.places[i].is_known) context.members.forget(i);
    take_members(context, state, here);
    for (std::size_t theirs = 0; theirs < state.streams.size(); ++theirs) {
        if (!here[theirs] || context.places[*here[theirs]].is_known) continue;
        const auto stream = *here[theirs];
        const auto& given = state.streams[theirs];
        auto& place = context.places[stream];
        context.members.set_time(stream, given.log_ms, given.broker_ms);
        place.is_known = true;
        place.consumed = given.consumed;
        place.consumed_ms = 0;
        // This site's own stream is as long as whoever has read it says.
        place.next = place.next_to_read(stream == own_stream ? place.consumed : place.last);
        place.last = std::max(place.last, place.consumed);
        broker.consume(stream, place.next);
    }
    take_floors(context, state);
    return true;
}

}  // namespace twincached::replication::nats
