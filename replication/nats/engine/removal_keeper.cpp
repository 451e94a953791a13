#include "replication/nats/engine/removal_keeper.hpp"

#include <algorithm>

namespace twincached::replication::nats {
namespace {

constexpr std::uint64_t pause_ms = 100;

}  // namespace

void RemovalKeeper::work(unsigned silent_streams, bool is_telling) {
    due_ms_ = context_.now.steady_ms + pause_ms;
    choose_who_flushes(silent_streams);
    if (silent_streams != 0) return;
    if (context_.members.all_in_step()) forget();
    // What is on its way has no place in the log yet.
    if (!is_telling) turn_floors();
}

void RemovalKeeper::forget() {
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        context_.with_shard(i, [&](storage::Shard&) {
            context_.sink.removals(i).forget([&](LogPlace place) {
                return place != nowhere_yet && context_.members.all_past(place);
            });
        });
    }
}

void RemovalKeeper::turn_floors() {
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        // A log that began anew is shorter than the one before.
        const auto& place = context_.places[i];
        turn_at_[i] = std::min(turn_at_[i], std::max(place.consumed, place.last));
        if (!context_.members.all_past({i, turn_at_[i]})) return;
    }
    for (unsigned i = 0; i < context_.shard_count(); ++i)
        context_.with_shard(i, [&](storage::Shard&) { context_.sink.removals(i).turn(); });
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        turn_at_[i] = std::max(context_.places[i].consumed, context_.places[i].last);
    turn_at_[own_stream] = context_.end_of_log().sequence;
}

// The lowest that is there does what the one who was asked cannot do any more. A site that is not
// heard does it, too.
void RemovalKeeper::choose_who_flushes(unsigned silent_streams) noexcept {
    const auto& members = context_.members;
    const auto schedule = context_.store->flush_schedule();
    bool fires = !members.is_heard(storage::node_of(schedule.version), silent_streams);
    for (unsigned node = 0; node < context_.options.node; ++node)
        fires = fires && !members.is_heard(node, silent_streams);
    context_.sink.set_fires_foreign_schedule(fires);
}

}  // namespace twincached::replication::nats
