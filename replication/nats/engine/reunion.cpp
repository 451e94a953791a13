#include "replication/nats/engine/reunion.hpp"

#include "replication/nats/engine/starting_over.hpp"
#include "replication/nats/engine/taking_over.hpp"

#include <string>
#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr std::uint64_t seek_pause_ms = 200;

}  // namespace

void Reunion::look_for_donor() {
    if (!footing_.has_looked(context_) || comparison_.is_active() || footing_.is_in_step) return;
    if (footing_.is_off) return;
    const bool lacks = !context_.knows_its_place() || context_.sum(&ShardTracking::dirty) > 0;
    if (comparison_.is_lonely() && lonely_since_ms_ == 0) lonely_since_ms_ = context_.now.steady_ms;
    if (!lacks || context_.now.steady_ms < seek_at_ms_) return;
    seek_at_ms_ = context_.now.steady_ms + seek_pause_ms;
    comparison_.seek();
}

// Some buckets alone cannot be compared with who does not hold what this node held before.
void Reunion::meet_donor() {
    const bool is_of_another_era = context_.era != 0 && comparison_.state().era != context_.era;
    if (!is_of_another_era) return take_over();
    start_over("node " + std::to_string(comparison_.donor()) +
               " learnt what it holds from another beginning, and all is compared");
}

void Reunion::take_over() {
    const auto& state = comparison_.state();
    end_loneliness();
    // Whoever began alone since this node stopped may not have read what it had removed.
    const auto recalled = std::exchange(footing_.recalled_era, 0);
    if (recalled != 0 && recalled != state.era) tell_removals_again(context_);
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
    footing_.is_second = true;
    context_.era = state.era;
    comparison_.go_on();
}

bool Reunion::may_claim() const noexcept {
    if (!footing_.has_caught_up(context_) || !footing_.has_spoken || footing_.is_in_step ||
        lonely_since_ms_ == 0)
        return false;
    if (comparison_.is_active() && comparison_.phase() != Comparison::Phase::seeking) return false;
    // Who was not the last to stop lets the one who was go first. So does who was not told to the
    // end what others have let go, for it would drop what it cannot be sure of; and who has dropped
    // it.
    const bool is_second = footing_.is_unconfirmed || footing_.is_second;
    auto grace = ms_of(context_.options.boot_grace) * (is_second ? 2 : 1);
    // Two sites whose claims cross give way to each other; so that they do not claim again at the
    // same moment, and again, no two nodes wait alike.
    if (context_.stream_count() > 1)
        grace += context_.options.node * ms_of(context_.options.heartbeat);
    const auto now_ms = context_.now.steady_ms;
    if (now_ms < lonely_since_ms_ + grace || now_ms < claimed_ms_ + grace) return false;
    // An empty node waits for those who have something.
    const bool is_empty = !footing_.is_ready && footing_.recalled_era == 0;
    return !is_empty || !context_.members.has_live_ready(footing_.silent);
}

// --- beginnings ----------------------------------------------------------------------------------

// What was not told becomes a mark on its bucket (rule R12).
void Reunion::start_over(std::string_view why) {
    footing_.is_in_step = context_.is_reference = false;
    footing_.compares_all = true;
    context_.era = context_.left_era = 0;
    speaker_.lose_data();
    comparison_.disconnect();
    if (auto* gate = context_.sink.changes().gate()) gate->lose_link();
    mark_all_dirty(context_);
    context_.counters.add(ClusterCounter::comparisons);
    lonely_since_ms_ = seek_at_ms_ = 0;
    if (footing_.is_connected) state_.set_out_of_step(footing_.is_ready, why);
}

// Nobody is in step, and who claims is the one with which the others compare what they hold.
void Reunion::on_claim(const Heard& heard, const Delivery& delivery) {
    end_loneliness();
    if (heard.is_own) return begin_alone(delivery.time);
    if (delivery.stream == own_stream) footing_.is_member = footing_.has_spoken = false;
    if (!context_.knows_its_place()) return;
    // Who was not in step may lack what stood in the log, though it knows its place by now.
    unplace_removals(context_);
    start_over("node " + std::to_string(heard.header.node) +
               " begins alone, and all is compared with it");
}

void Reunion::begin_alone(std::int64_t claimed_ms) {
    comparison_.disconnect();
    context_.is_reference = true;
    context_.era = era_of(claimed_ms, context_.options.node);
    footing_.recalled_era = 0;
    footing_.is_second = false;
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        context_.places[i].is_known = true;
    drop_what_is_in_doubt(context_);
    settle_as_reference(context_, sender_);
    state_.note(LogLevel::info,
                "nobody else is in step: others will compare what they hold with this node");
}

// Another site began alone as well, or stayed when this one began: who holds what is of the later
// era compares it. Of what is old there is no need to judge.
void Reunion::judge_era(const Heard& heard, const Delivery& delivery) {
    const auto era = heard.header.era;
    const bool is_news = delivery.stream != own_stream && delivery.pending == 0 &&
                         heard.hearing != MemberTable::Hearing::is_late;
    if (!is_news || era == 0) return;
    // What was heard before was old: that site has learnt from this one meanwhile.
    if (era == context_.left_era) context_.left_era = 0;
    if (context_.era == 0 || era >= context_.era) return;
    const auto left = context_.era;
    start_over("another site has begun earlier, and all is compared with it");
    context_.left_era = left;
}

}  // namespace twincached::replication::nats
