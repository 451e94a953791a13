// How the exchange's sessions begin and end (rules R11 and R12), and what it takes with it over a
// warm restart (R15).

#include "replication/pair/exchange/exchange_impl.hpp"
#include "replication/pair/exchange/pair_memory.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

namespace twincached::replication::pair {
namespace {

constexpr std::size_t entries_folded_per_lock = 4096;

constexpr storage::Version last_of(std::uint64_t version_time) noexcept {
    return (version_time << 13) | 0x1FFF;
}

}  // namespace

Standing Exchange::Impl::standing(const storage::Now& now) const noexcept {
    Standing standing;
    standing.epoch = context_.options.epoch;
    standing.peer_epoch = peer_epoch_;
    standing.past = past_;
    standing.version_time = context_.store->version_time();
    standing.flush_version = context_.store->flush_version();
    const auto schedule = context_.store->flush_schedule();
    standing.schedule_at_ms = schedule.at_steady_ms;
    standing.schedule_version = schedule.version;
    standing.items = context_.store->stats().total.items;
    standing.capabilities = capability_digests | capability_hints;
    standing.dirty_buckets = static_cast<std::uint32_t>(context_.sum(&ShardTracking::dirty));
    standing.steady_ms = now.steady_ms;
    standing.version_ms = now.version_ms;
    return standing;
}

void Exchange::Impl::begin(const Standing& peer, const storage::Now& now) noexcept {
    end();
    assert(judge(peer) == Meeting::begin);
    unconfirmed_ = false;
    if (split_ == 0) split_ = last_of(context_.store->version_time());
    incoming_.begin(split_);
    if (peer.epoch != peer_epoch_) meet(peer);
    ++past_.session;
    past_.sent = past_.applied = 0;
    peer_session_ = peer.past.session + 1;
    merge(peer, now);
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

void Exchange::Impl::leave_peer() noexcept {
    if (peer_epoch_ == 0) return;
    std::move(former_peers_.begin() + 1, former_peers_.end(), former_peers_.begin());
    former_peers_.back() = std::exchange(peer_epoch_, 0);
}

// An incarnation of the peer that was followed before is a machine that was set back to before a
// restart: nothing is taken from it that this node lacks.
void Exchange::Impl::meet(const Standing& peer) noexcept {
    const bool is_former = is_former_peer(peer.epoch);
    leave_peer();
    peer_epoch_ = peer.epoch;
    const auto sessions = past_.session;  // our HELLO has been numbered already
    past_ = {};
    past_.session = sessions;
    start_over(is_former ? last_of(context_.store->version_time()) : 0);
}

bool Exchange::Impl::is_former_peer(std::uint64_t epoch) const noexcept {
    return std::find(former_peers_.begin(), former_peers_.end(), epoch) != former_peers_.end();
}

// One that was put back to an earlier state does not know what it did and heard since; what it
// holds may have been deleted or replaced. In doubt, forget: it begins anew, empty, and the other,
// who can tell from the same two HELLOs, waits for that. (Rules R12 and R15.)
Meeting Exchange::Impl::judge(const Standing& peer) const noexcept {
    const bool same_peer = peer.epoch == peer_epoch_;
    const bool knows_us = peer.peer_epoch == context_.options.epoch;
    const bool peer_has_heard = peer.past.heard_session != 0;
    const bool has_heard = past_.heard_session != 0;

    bool self_put_back = false;
    bool peer_put_back = false;
    if (same_peer && knows_us) {
        self_put_back = was_put_back(past_, peer.past);
        peer_put_back = was_put_back(peer.past, past_);
    } else if (same_peer && has_heard) {
        // It has followed another incarnation of us, later; or it has yet to find out about us.
        const bool later = peer.past.session >= past_.heard_session;
        self_put_back = peer.peer_epoch != 0 && later;
        peer_put_back = !self_put_back;
    } else if (!same_peer && knows_us) {
        // It has heard of us in a session that we do not know of.
        self_put_back = peer_has_heard && !is_former_peer(peer.epoch);
    }

    if (unconfirmed_) {
        // A peer that has not heard of this incarnation in any session may have taken its name from
        // a HELLO of an older memory. The last one to serve may meet one that begins from nothing.
        const bool confirmed =
            same_peer ? knows_us && peer_has_heard : was_alone_ && peer.peer_epoch == 0;
        if (!confirmed || peer_put_back) return Meeting::begin_anew;
    }
    if (self_put_back) return Meeting::begin_anew;
    return peer_put_back ? Meeting::let_go_anew : Meeting::begin;
}

void Exchange::Impl::forget_items(const storage::Now& now) noexcept {
    std::vector<std::string> keys;
    for (std::size_t b = 0; b < storage::bucket_count; ++b) {
        const auto bucket = static_cast<storage::BucketNumber>(b);
        context_.store->with_shard(
            context_.store->shard_of_bucket(bucket), [&](storage::Shard& shard) {
                keys.clear();
                shard.visit_bucket(bucket, now, [&](const storage::ItemView& item) {
                    keys.emplace_back(item.key);
                });
                for (const auto& key : keys)
                    shard.drop_in_doubt(context_.store->key(key), now);
            });
    }
}

// Rule R12.
void Exchange::Impl::start_over(storage::Version floor) noexcept {
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        auto& tracking = context_.sink.shard(i);
        context_.store->with_shard(i, [&](storage::Shard&) { tracking.mark_all_dirty(floor); });
        for (bool done = false; !done;) {
            context_.store->with_shard(
                i, [&](storage::Shard&) { done = tracking.fold_some(entries_folded_per_lock); });
        }
    }
    context_.counters.add(ExchangeCounter::resyncs);
}

void Exchange::Impl::merge(const Standing& peer, const storage::Now& now) noexcept {
    context_.store->observe(last_of(peer.version_time));
    if (peer.flush_version != 0) context_.store->apply_flush(peer.flush_version);
    context_.sink.peer_knows_flush(peer.flush_version);
    // A flush after our own HELLO, told to a session that was lost, would otherwise be unheard of.
    if (context_.store->flush_version() > peer.flush_version) context_.sink.tell_of_flush();
    const auto schedule = context_.store->flush_schedule();
    if (schedule.version > peer.schedule_version) context_.sink.on_flush_scheduled(0, 0);
    incoming_.offset().observe(peer.steady_ms, now.steady_ms);
    if (peer.schedule_version != 0) {
        const auto at_ms =
            peer.schedule_at_ms == 0 ? 0 : incoming_.offset().to_local_ms(peer.schedule_at_ms);
        context_.store->apply_flush_schedule(at_ms, peer.schedule_version);
    }
}

// Rule R11.
void Exchange::Impl::end() noexcept {
    if (!in_session_) return;
    in_session_ = false;
    if (auto* gate = context_.sink.gate()) gate->lose_link();
    context_.sink.set_resting(false);
    context_.sink.set_linked(false);
    log_.end();
    walk_.end();
    hints_.end();
    incoming_.end();
    scrub_.end();
    context_.window.reset([&](const InFlight& frame) {
        const bool is_list = frame.kind == InFlight::Kind::list;
        if (!is_list && frame.kind != InFlight::Kind::digests) return;
        const auto first = static_cast<storage::BucketNumber>(frame.place);
        const auto shard = context_.store->shard_of_bucket(first);
        const auto end = first + (is_list ? 1 : frame.position);
        context_.store->with_shard(shard, [&](storage::Shard&) {
            for (std::size_t bucket = first; bucket < end; ++bucket) {
                const auto number = static_cast<storage::BucketNumber>(bucket);
                context_.sink.shard(shard).buckets.abandon_walk(number);
            }
        });
    });
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        context_.store->with_shard(i, [&](storage::Shard&) {
            context_.sink.shard(i).log.rewind();
            context_.sink.refresh(i);
        });
    }
    split_ = last_of(context_.store->version_time());
    lag_ms_.store(0, std::memory_order_relaxed);
}

// --- warm restart ----------------------------------------------------------------------------

std::string Exchange::Impl::remember(bool alone) {
    end();
    const bool left_a_peer = unconfirmed_ && !was_alone_;
    const PairMemory memory = {.epoch = context_.options.epoch,
                               .node = context_.options.node,
                               .peer_epoch = peer_epoch_,
                               .former_peers = former_peers_,
                               .past = past_,
                               .split = split_,
                               .alone = alone && !left_a_peer};
    return write_memory(memory, context_.sink, *context_.store);
}

bool Exchange::Impl::recall(std::string_view remembered) {
    const auto memory = read_memory(remembered, context_.sink, *context_.store);
    if (!memory || memory->node != context_.options.node) return false;
    context_.options.epoch = memory->epoch;
    peer_epoch_ = memory->peer_epoch;
    former_peers_ = memory->former_peers;
    past_ = memory->past;
    split_ = memory->split;
    was_alone_ = memory->alone;
    unconfirmed_ = true;
    return true;
}

void Exchange::Impl::forget(std::uint64_t new_epoch, const storage::Now& now) noexcept {
    assert(!in_session_);
    forget_items(now);
    start_over(0);
    context_.options.epoch = new_epoch;
    // Nobody was followed in this incarnation: the peer that is met next, also if it is the one of
    // before, has not come back to an earlier state.
    peer_epoch_ = 0;
    former_peers_ = {};
    past_ = {};
    unconfirmed_ = false;
}

}  // namespace twincached::replication::pair
