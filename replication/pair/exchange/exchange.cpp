#include "replication/pair/exchange/exchange.hpp"

#include "replication/pair/exchange/pair_memory.hpp"
#include "replication/pair/exchange/starting_over.hpp"
#include "replication/records/data_frames.hpp"

#include <algorithm>
#include <cassert>

namespace twincached::replication::pair {

Exchange::Exchange(ChangeSink& sink, const ExchangeOptions& options)
    : context_{sink, options},
      acquaintance_(options.epoch, options.node),
      log_(context_),
      walk_(context_),
      answers_(context_, walk_),
      incoming_(context_),
      scrub_(context_, incoming_),
      flushes_(context_),
      hints_(context_) {}

// --- sessions ----------------------------------------------------------------------------------

Standing Exchange::standing(const storage::Now& now) const noexcept {
    Standing standing;
    acquaintance_.introduce(standing);
    standing.flush_version = context_.store->flush_version();
    const auto schedule = context_.store->flush_schedule();
    standing.schedule_at_ms = schedule.at_steady_ms;
    standing.schedule_version = schedule.version;
    // A client may be flushing: the clock is read last, and has passed whatever is told above.
    standing.version_time =
        std::max({context_.store->version_time(), storage::time_of(standing.flush_version),
                  storage::time_of(standing.schedule_version)});
    standing.items = context_.store->stats().total.items;
    standing.capabilities |= capability_digests | capability_hints | capability_orders;
    standing.dirty_buckets = static_cast<std::uint32_t>(context_.sum(&ShardTracking::dirty));
    standing.steady_ms = now.steady_ms;
    standing.version_ms = now.version_ms;
    return standing;
}

// Rule R12. From an incarnation that was followed before nothing is taken that this node lacks: its
// machine was set back to before a restart.
void Exchange::begin(const Standing& peer, const storage::Now& now) noexcept {
    end();
    assert(acquaintance_.judge(peer) == Meeting::begin);
    const auto last = last_of(context_.store->version_time());
    const auto encounter = acquaintance_.begin(peer, last);
    // Known by now, be it from the memory or from the peer.
    context_.options.node = acquaintance_.node();
    incoming_.begin(acquaintance_.split());
    context_.version_refused = false;
    if (encounter == Encounter::fresh) mark_all_dirty(context_, 0);
    if (encounter == Encounter::former) mark_all_dirty(context_, last);
    // What both know from here on: the higher clock, the later flush.
    context_.store->observe(last_of(peer.version_time));
    incoming_.offset().observe(peer.steady_ms, now.steady_ms);
    flushes_.begin(peer, incoming_.offset());
    context_.peer_item_limit_bytes = peer.item_size_limit;
    log_.begin((peer.capabilities & capability_hints) != 0);
    walk_.begin(peer);
    scrub_.begin(peer, now);
    hints_.begin(peer);
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        context_.store->with_shard(i, [&](storage::Shard&) { context_.sink.refresh(i); });
    }
    context_.sink.set_linked(true);
    in_session_ = true;
}

// Rule R11. The gate first: from here on nobody may wait for an answer that cannot come.
void Exchange::end() noexcept {
    if (!in_session_) return;
    in_session_ = false;
    distrust_peer();
    context_.sink.set_resting(false);
    context_.sink.set_linked(false);
    log_.end();
    walk_.end();
    hints_.end();
    incoming_.end();
    scrub_.end();
    answers_.give_up();
    acquaintance_.end(last_of(context_.store->version_time()));
    lag_ms_.store(0, std::memory_order_relaxed);
}

void Exchange::distrust_peer() noexcept {
    if (auto* gate = context_.sink.gate()) gate->lose_link();
}

// --- warm restart (rule R15) ---------------------------------------------------------------------

std::string Exchange::remember(bool alone) {
    end();
    return write_memory(acquaintance_.remember(alone), context_.sink, *context_.store);
}

bool Exchange::recall(std::string_view remembered, const storage::Now& now) {
    const auto memory = read_memory(remembered, context_.gate(now), context_.sink, *context_.store);
    return memory && acquaintance_.recall(*memory);
}

void Exchange::forget(std::uint64_t new_epoch, const storage::Now& now) noexcept {
    assert(!in_session_);
    drop_items(context_.sink, *context_.store, now);
    mark_all_dirty(context_, 0);
    acquaintance_.forget(new_epoch);
}

void Exchange::correct_versions(std::uint64_t new_epoch, const storage::Now& now) noexcept {
    assert(!in_session_);
    mark_all_dirty(context_, 0);
    auto& store = *context_.store;
    replication::correct_versions(context_.sink, store, lead_of(store, wall_version_ms(now), now),
                                  now);
    acquaintance_.forget(new_epoch);
}

// --- what comes in -------------------------------------------------------------------------------

bool Exchange::on_frame(const Frame& frame, const storage::Now& now) {
    assert(in_session_);
    context_.counters.add(ExchangeCounter::bytes_received,
                          frame_header_size + frame.payload.size());
    if (!is_in_order(frame)) return false;
    if (frame.seq != 0) {
        if (!incoming_.on_frame(frame, now)) return false;
        acquaintance_.note_applied();
        return true;
    }
    if (frame.type == FrameType::hint) return hints_.receive(frame, now);
    if (frame.type == FrameType::digest) {
        return answers_.on_bucket_requests(BucketRequestReader(frame.payload));
    }
    if (frame.type != FrameType::ack) return scrub_.on_frame(frame, now);
    const AckReader ack(frame.payload);
    if (!answers_.on_ack(ack, now)) return false;
    acquaintance_.note_acknowledged(ack.seq());
    measure_lag(now);
    return true;
}

void Exchange::measure_lag(const storage::Now& now) noexcept {
    lag_ms_.store(context_.window.lag_ms(now.steady_ms), std::memory_order_relaxed);
}

// As if all buckets had overflowed; the log stays, and is sent as it would have been.
void Exchange::compare_all() noexcept {
    if (!in_session_) return;
    distrust_peer();
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        context_.store->with_shard(i, [&](storage::Shard&) {
            context_.sink.shard(i).buckets.mark_each_dirty();
            context_.sink.refresh(i);
        });
    }
    walk_.on_digests_gone();
    context_.counters.add(ExchangeCounter::resyncs);
}

std::size_t Exchange::produce(lib::ByteBuffer& out, std::size_t budget_bytes,
                              const storage::Now& now) {
    if (!in_session_) return 0;
    const auto before = out.size();
    const auto end_size = before + budget_bytes;
    log_.send_large(out, end_size, now);
    if (!log_.is_sending_large()) {
        incoming_.write_acks(out, end_size);
        flushes_.send(out, now);
        send_changes(out, end_size, now);
        if (out.size() < end_size && !log_.is_sending_large()) scrub_.produce(out, end_size, now);
    }
    if (!log_.is_sending_large() && !context_.window.is_full()) hints_.send(out, end_size, now);
    acquaintance_.note_sent(context_.window.next_seq() - 1);
    measure_lag(now);
    const auto written = out.size() - before;
    context_.counters.add(ExchangeCounter::bytes_sent, written);
    return written;
}

// Changes and walks take turns: neither can starve the other.
void Exchange::send_changes(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) {
    constexpr std::size_t lists_size = 16U << 10;
    while (out.size() < end_size && !context_.window.is_full()) {
        const bool changes = log_.send_batch(out, now);
        log_.send_large(out, end_size, now);
        if (log_.is_sending_large()) return;
        const bool lists = out.size() < end_size && !context_.window.is_full() &&
                           walk_.send_lists(out, lists_size, now);
        if (!changes && !lists) return;
    }
}

bool Exchange::wants_to_send() const noexcept {
    if (!in_session_) return false;
    const bool owes = incoming_.owes_ack() || scrub_.has_work();
    if (log_.is_sending_large() || owes || context_.sink.has_news()) return true;
    return !context_.window.is_full() && (log_.has_work() || walk_.has_work());
}

bool Exchange::may_rest() noexcept {
    context_.sink.set_resting(true);
    if (!wants_to_send()) return true;
    context_.sink.set_resting(false);
    return false;
}

// --- reports ---------------------------------------------------------------------------------

bool Exchange::caught_up(std::uint64_t unsent) const noexcept {
    return !log_.is_sending_large() && context_.sum(&ShardTracking::dirty) == 0 &&
           context_.sum(&ShardTracking::walking) == 0 &&
           context_.sum(&ShardTracking::wanted_bytes) == 0 &&
           context_.sum(&ShardTracking::log_unsent) <= unsent;
}

bool Exchange::drained() const noexcept {
    return caught_up(0) && context_.window.empty() && !incoming_.owes_ack() &&
           !context_.sink.has_news() && context_.sum(&ShardTracking::log_entries) == 0;
}

ExchangeStats Exchange::stats() const noexcept {
    ExchangeStats stats = context_.stats();
    stats.lag_ms = lag_ms();
    return stats;
}

}  // namespace twincached::replication::pair
