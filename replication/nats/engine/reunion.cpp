#include "replication/nats/engine/reunion.hpp"

#include "replication/nats/engine/taking_over.hpp"

namespace twincached::replication::nats {
namespace {

constexpr std::uint64_t seek_pause_ms = 200;

}  // namespace

void Reunion::look_for_donor() {
    if (!footing_.has_looked(context_) || comparison_.is_active() || footing_.is_in_step) return;
    const bool lacks = !context_.knows_its_place() || context_.sum(&ShardTracking::dirty) > 0;
    if (comparison_.is_lonely() && lonely_since_ms_ == 0) lonely_since_ms_ = context_.now.steady_ms;
    if (!lacks || context_.now.steady_ms < seek_at_ms_) return;
    seek_at_ms_ = context_.now.steady_ms + seek_pause_ms;
    comparison_.seek();
}

void Reunion::take_over() {
    const auto& state = comparison_.state();
    end_loneliness();
    take_registers(context_, state);
    if (!context_.knows_its_place()) {
        if (!take_place(context_, broker_, state)) {
            return comparison_.give_up("it reads other streams");
        }
        const auto& self = context_.members[context_.options.node];
        if (self.session >= speaker_.session() && !speaker_.is_waiting()) speaker_.begin_session();
        // What this node has said may be read again, and is judged then.
        footing_.has_spoken =
            footing_.has_spoken && context_.members.is_live(context_.options.node);
        footing_.is_member = footing_.has_spoken;
    }
    footing_.is_unconfirmed = false;
    context_.era = state.era;
    comparison_.go_on();
}

bool Reunion::may_claim() const noexcept {
    if (!footing_.has_caught_up(context_) || !footing_.has_spoken || footing_.is_in_step ||
        lonely_since_ms_ == 0)
        return false;
    if (comparison_.is_active() && comparison_.phase() != Comparison::Phase::seeking) return false;
    // Who was not the last to stop lets the one who was go first.
    auto grace = ms_of(context_.options.boot_grace) * (footing_.is_unconfirmed ? 2 : 1);
    // Two sites whose claims cross give way to each other; so that they do not claim again at the
    // same moment, and again, no two nodes wait alike.
    if (context_.stream_count() > 1)
        grace += context_.options.node * ms_of(context_.options.heartbeat);
    const auto now_ms = context_.now.steady_ms;
    if (now_ms < lonely_since_ms_ + grace || now_ms < claimed_ms_ + grace) return false;
    // An empty node waits for those who have something.
    return footing_.is_ready || !context_.members.has_live_ready(footing_.silent);
}

}  // namespace twincached::replication::nats
