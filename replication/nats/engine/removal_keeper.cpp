#include "replication/nats/engine/removal_keeper.hpp"

#include <algorithm>

namespace twincached::replication::nats {
namespace {

constexpr std::uint64_t pause_ms = 100;

}  // namespace

void RemovalKeeper::work(bool hears_all, bool is_telling) {
    due_ms_ = context_.now.steady_ms + pause_ms;
    choose_who_flushes();
    if (!hears_all) return;
    forget();
    // What is on its way has no place in the log yet.
    if (!is_telling) turn_floors();
}

void RemovalKeeper::forget() {
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        context_.with_shard(i, [&](storage::Shard&) {
            context_.sink.removals(i).forget(
                [&](LogPlace place) { return context_.members.all_past(place); });
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

// The lowest that is there does what the one who was asked cannot do any more.
void RemovalKeeper::choose_who_flushes() noexcept {
    const auto schedule = context_.store->flush_schedule();
    bool fires = !context_.members.is_live(storage::node_of(schedule.version));
    for (unsigned node = 0; node < context_.options.node; ++node)
        fires = fires && !context_.members.is_live(node);
    context_.sink.set_fires_foreign_schedule(fires);
}

}  // namespace twincached::replication::nats
