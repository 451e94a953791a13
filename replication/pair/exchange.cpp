#include "replication/pair/exchange.hpp"

#include "replication/pair/data_frames.hpp"
#include "replication/pair/exchange_context.hpp"
#include "replication/pair/incoming.hpp"
#include "replication/pair/log_sender.hpp"
#include "replication/pair/pair_sink.hpp"
#include "replication/pair/walk.hpp"
#include "storage/store.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <string>
#include <vector>

namespace twincached::replication::pair {
namespace {

// "Less than a batch in the log": what is normal under load when the link keeps up.
constexpr std::uint64_t caught_up_entries = 1024;
constexpr std::size_t entries_folded_per_lock = 4096;

constexpr storage::Version last_of(std::uint64_t version_time) noexcept {
    return (version_time << 13) | 0x1FFF;
}

// Has the node been put back to an earlier state? The other has heard of it in a later session
// than it was ever in, or more in the same one.
bool was_put_back(const Progress& node, const Progress& other) noexcept {
    if (other.heard_session != node.session) return other.heard_session > node.session;
    return node.sent < other.heard_applied || node.applied < other.heard_acked;
}

}  // namespace

class Exchange::Impl {
  public:
    Impl(PairSink& sink, const ExchangeOptions& options)
        : context_{sink, options}, log_(context_), walk_(context_), incoming_(context_) {}

    void attach(storage::Store& store) noexcept { context_.store = &store; }
    bool in_session() const noexcept { return in_session_; }

    Hello hello(const storage::Now& now) const noexcept;
    void begin(const Hello& peer, const storage::Now& now) noexcept;
    void end() noexcept;

    bool on_frame(const Frame& frame, const storage::Now& now) noexcept;
    std::size_t produce(lib::ByteBuffer& out, std::size_t budget_bytes,
                        const storage::Now& now) noexcept;
    bool wants_to_send() const noexcept;
    bool may_rest() noexcept;
    bool caught_up() const noexcept;
    bool drained() const noexcept;
    ExchangeStats stats() const noexcept;

  private:
    void compare_progress(const Hello& peer, const storage::Now& now) noexcept;
    void hear() noexcept;
    void forget_items(const storage::Now& now) noexcept;
    void start_over(storage::Version floor) noexcept;
    void merge(const Hello& peer, const storage::Now& now) noexcept;

    bool on_ack(const Frame& frame, const storage::Now& now) noexcept;
    void record_wanted(const AckReader& ack, const storage::Now& now) noexcept;
    void free_acknowledged(std::uint64_t seq) noexcept;

    void send_large(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) noexcept;
    void send_news(lib::ByteBuffer& out, const storage::Now& now) noexcept;
    void send_changes(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) noexcept;

    ExchangeContext context_;
    LogSender log_;
    WalkSender walk_;
    Incoming incoming_;

    bool in_session_ = false;
    // The incarnation of the peer that log and buckets refer to, and how far we came with it.
    std::uint64_t peer_epoch_ = 0;
    Progress progress_;
    std::uint64_t peer_session_ = 0;  // the peer's number of this session

    // What we hold from before this, the peer and we had the chance to talk about.
    storage::Version split_ = 0;

    std::atomic<std::uint64_t> lag_ms_{0};
};

// --- sessions --------------------------------------------------------------------------------

Hello Exchange::Impl::hello(const storage::Now& now) const noexcept {
    Hello hello;
    hello.epoch = context_.options.epoch;
    hello.peer_epoch = peer_epoch_;
    hello.progress = progress_;
    hello.version_time = context_.store->version_time();
    hello.flush_version = context_.store->flush_version();
    const auto schedule = context_.store->flush_schedule();
    hello.schedule_at_ms = schedule.at_steady_ms;
    hello.schedule_version = schedule.version;
    hello.items = context_.store->stats().items;
    hello.dirty_buckets = static_cast<std::uint32_t>(context_.sum(&ShardTracking::dirty));
    hello.steady_ms = now.steady_ms;
    hello.version_ms = now.version_ms;
    return hello;
}

void Exchange::Impl::begin(const Hello& peer, const storage::Now& now) noexcept {
    end();
    if (split_ == 0) split_ = last_of(context_.store->version_time());
    incoming_.begin(split_);
    if (peer.epoch != peer_epoch_) {
        peer_epoch_ = peer.epoch;
        const auto sessions = progress_.session;  // our HELLO has been numbered already
        progress_ = {};
        progress_.session = sessions;
        start_over(0);
    } else if (peer.peer_epoch == context_.options.epoch) {
        compare_progress(peer, now);
    }
    ++progress_.session;
    progress_.sent = progress_.applied = 0;
    peer_session_ = peer.progress.session + 1;
    merge(peer, now);
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        context_.store->with_shard(i, [&](storage::Shard&) { context_.sink.refresh(i); });
    }
    context_.sink.set_linked(true);
    in_session_ = true;
}

// One that was put back to an earlier state does not know what it did and heard since; what it
// holds may have been deleted or replaced. In doubt, forget: it drops everything, and the other
// takes nothing of it that it lacks itself, which a floor above all versions sees to.
void Exchange::Impl::compare_progress(const Hello& peer, const storage::Now& now) noexcept {
    const bool self_put_back = was_put_back(progress_, peer.progress);
    const bool peer_put_back = was_put_back(peer.progress, progress_);
    if (!self_put_back && !peer_put_back) return;
    progress_.heard_session = progress_.heard_applied = progress_.heard_acked = 0;
    progress_.session = std::max(progress_.session, peer.progress.heard_session);
    if (self_put_back) forget_items(now);
    start_over(peer_put_back ? last_of(context_.store->version_time()) : 0);
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

void Exchange::Impl::merge(const Hello& peer, const storage::Now& now) noexcept {
    context_.store->observe(last_of(peer.version_time));
    if (peer.flush_version != 0) context_.store->apply_flush(peer.flush_version);
    // A flush after our own HELLO, told to a session that was lost, would otherwise be unheard of.
    if (context_.store->flush_version() > peer.flush_version) (void)context_.sink.on_flush(0);
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
    context_.sink.set_resting(false);
    context_.sink.set_linked(false);
    log_.end();
    walk_.end();
    incoming_.end();
    context_.window.reset([&](const InFlight& frame) {
        if (frame.kind != InFlight::Kind::list) return;
        const auto bucket = static_cast<storage::BucketNumber>(frame.place);
        const auto shard = context_.store->shard_of_bucket(bucket);
        context_.store->with_shard(shard, [&](storage::Shard&) {
            context_.sink.shard(shard).buckets.abandon_walk(bucket);
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

// --- what comes in ---------------------------------------------------------------------------

bool Exchange::Impl::on_frame(const Frame& frame, const storage::Now& now) noexcept {
    assert(in_session_);
    context_.counters.add(ExchangeCounter::bytes_received,
                          frame_header_size + frame.payload.size());
    if (frame.type == FrameType::ack) return on_ack(frame, now);
    if (frame.type == FrameType::bump) return frame.seq == 0 && BumpReader(frame.payload).valid();
    if (!incoming_.on_frame(frame, now)) return false;
    hear();
    ++progress_.applied;
    ++progress_.heard_applied;
    return true;
}

// The peer is there, in this session.
void Exchange::Impl::hear() noexcept {
    if (progress_.heard_session == peer_session_) return;
    progress_.heard_session = peer_session_;
    progress_.heard_applied = progress_.heard_acked = 0;
}

// Rule R10: first what is wanted enters the log, then what is acknowledged leaves it.
bool Exchange::Impl::on_ack(const Frame& frame, const storage::Now& now) noexcept {
    const AckReader ack(frame.payload);
    if (!ack.valid() || frame.seq != 0 || !context_.window.could_acknowledge(ack.seq())) {
        return false;
    }
    record_wanted(ack, now);
    hear();
    progress_.heard_acked = ack.seq();
    free_acknowledged(ack.seq());
    context_.counters.add(ExchangeCounter::peer_nomem, ack.not_stored());
    const auto lag =
        context_.window.empty()
            ? 0
            : now.steady_ms - std::min(now.steady_ms, context_.window.oldest_sent_ms());
    lag_ms_.store(lag, std::memory_order_relaxed);
    return true;
}

void Exchange::Impl::record_wanted(const AckReader& ack, const storage::Now& now) noexcept {
    constexpr std::size_t wants_per_lock = 1024;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < ack.size();) {
        const auto shard_number = context_.store->shard_of(ack[i]);
        auto& tracking = context_.sink.shard(shard_number);
        const auto end = std::min(ack.size(), i + wants_per_lock);
        context_.store->with_shard(shard_number, [&](storage::Shard& shard) {
            for (; i < end && context_.store->shard_of(ack[i]) == shard_number; ++i) {
                shard.peek_hash(ack[i], now, [&](const storage::ItemView& item) {
                    if (item.version == 0) return;
                    const auto size = record_header_size + item.key.size() + item.value.size();
                    tracking.want({item.key, item.hash}, item.version, size);
                    bytes += size;
                });
            }
            context_.sink.refresh(shard_number);
        });
    }
    walk_.on_wanted(bytes);
    context_.counters.add(ExchangeCounter::wanted_by_peer, ack.size());
}

void Exchange::Impl::free_acknowledged(std::uint64_t seq) noexcept {
    context_.window.acknowledge(seq, [&](std::uint64_t frame_seq, const InFlight& frame) {
        switch (frame.kind) {
            case InFlight::Kind::log:
                context_.store->with_shard(frame.place, [&](storage::Shard&) {
                    auto& tracking = context_.sink.shard(frame.place);
                    tracking.log.acknowledge(frame.position);
                    tracking.refresh_gauges();
                });
                break;
            case InFlight::Kind::list: {
                const auto bucket = static_cast<storage::BucketNumber>(frame.place);
                const auto shard = context_.store->shard_of_bucket(bucket);
                context_.store->with_shard(shard, [&](storage::Shard&) {
                    auto& tracking = context_.sink.shard(shard);
                    if (tracking.buckets.walk_seq(bucket) == frame_seq) {
                        tracking.buckets.end_walk(bucket);
                    }
                    tracking.refresh_gauges();
                });
                walk_.on_list_gone(frame);
                break;
            }
            case InFlight::Kind::other:
                break;
        }
    });
}

// --- what goes out ---------------------------------------------------------------------------

std::size_t Exchange::Impl::produce(lib::ByteBuffer& out, std::size_t budget_bytes,
                                    const storage::Now& now) noexcept {
    if (!in_session_) return 0;
    const auto before = out.size();
    const auto end_size = before + budget_bytes;
    send_large(out, end_size, now);
    if (!log_.is_sending_large()) {
        incoming_.write_acks(out);
        send_news(out, now);
        send_changes(out, end_size, now);
    }
    progress_.sent = context_.window.next_seq() - 1;
    const auto written = out.size() - before;
    context_.counters.add(ExchangeCounter::bytes_sent, written);
    return written;
}

void Exchange::Impl::send_large(lib::ByteBuffer& out, std::size_t end_size,
                                const storage::Now& now) noexcept {
    while (log_.is_sending_large() && out.size() < end_size)
        log_.send_segment(out, now);
}

void Exchange::Impl::send_news(lib::ByteBuffer& out, const storage::Now& now) noexcept {
    const auto sent = [&](std::size_t before) {
        InFlight frame;
        frame.bytes = out.size() - before;
        frame.sent_ms = now.steady_ms;
        context_.window.add(frame);
    };
    if (context_.sink.take_flush_news()) {
        const auto before = out.size();
        write_frame(out, context_.window.next_seq(), Flush{context_.store->flush_version()});
        sent(before);
    }
    if (context_.sink.take_schedule_news()) {
        const auto schedule = context_.store->flush_schedule();
        const auto before = out.size();
        write_frame(out, context_.window.next_seq(),
                    Schedule{now.steady_ms, schedule.at_steady_ms, schedule.version});
        sent(before);
    }
}

// Changes and walks take turns: neither can starve the other.
void Exchange::Impl::send_changes(lib::ByteBuffer& out, std::size_t end_size,
                                  const storage::Now& now) noexcept {
    constexpr std::size_t lists_size = 16U << 10;
    while (out.size() < end_size && !context_.window.is_full()) {
        const bool changes = log_.send_batch(out, now);
        send_large(out, end_size, now);
        if (log_.is_sending_large()) return;
        const bool lists = out.size() < end_size && !context_.window.is_full() &&
                           walk_.send_lists(out, lists_size, now);
        if (!changes && !lists) return;
    }
}

bool Exchange::Impl::wants_to_send() const noexcept {
    if (!in_session_) return false;
    if (log_.is_sending_large() || incoming_.owes_ack() || context_.sink.has_news()) return true;
    return !context_.window.is_full() && (log_.has_work() || walk_.has_work());
}

bool Exchange::Impl::may_rest() noexcept {
    context_.sink.set_resting(true);
    if (!wants_to_send()) return true;
    context_.sink.set_resting(false);
    return false;
}

// --- reports ---------------------------------------------------------------------------------

bool Exchange::Impl::caught_up() const noexcept {
    return !log_.is_sending_large() && context_.sum(&ShardTracking::dirty) == 0 &&
           context_.sum(&ShardTracking::walking) == 0 &&
           context_.sum(&ShardTracking::wanted_bytes) == 0 &&
           context_.sum(&ShardTracking::log_unsent) < caught_up_entries;
}

bool Exchange::Impl::drained() const noexcept {
    return caught_up() && context_.window.empty() && !incoming_.owes_ack() &&
           !context_.sink.has_news() && context_.sum(&ShardTracking::log_entries) == 0;
}

ExchangeStats Exchange::Impl::stats() const noexcept {
    ExchangeStats stats;
    stats.unacked = context_.sum(&ShardTracking::log_entries);
    stats.log_bytes = context_.sum(&ShardTracking::log_bytes);
    stats.dirty_buckets = context_.sum(&ShardTracking::dirty);
    stats.walking_buckets = context_.sum(&ShardTracking::walking);
    stats.lag_ms = lag_ms_.load(std::memory_order_relaxed);
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        const auto& tracking = context_.sink.shard(i);
        stats.log_limit_bytes += tracking.log.capacity();
        stats.log_overflows += tracking.counters.get(TrackingCounter::overflows);
        stats.dropped_in_doubt += tracking.counters.get(TrackingCounter::dropped_in_doubt);
        stats.conflicts += tracking.counters.get(TrackingCounter::conflicts);
        stats.evicted_before_send += tracking.counters.get(TrackingCounter::evicted_before_send);
    }
    const auto& counters = context_.counters;
    stats.records_sent = counters.get(ExchangeCounter::records_sent);
    stats.records_received = counters.get(ExchangeCounter::records_received);
    stats.bytes_sent = counters.get(ExchangeCounter::bytes_sent);
    stats.bytes_received = counters.get(ExchangeCounter::bytes_received);
    stats.lists_sent = counters.get(ExchangeCounter::lists_sent);
    stats.lists_received = counters.get(ExchangeCounter::lists_received);
    stats.wanted_by_us = counters.get(ExchangeCounter::wanted_by_us);
    stats.wanted_by_peer = counters.get(ExchangeCounter::wanted_by_peer);
    stats.stale_rejected = counters.get(ExchangeCounter::stale_rejected);
    stats.apply_nomem = counters.get(ExchangeCounter::apply_nomem);
    stats.peer_nomem = counters.get(ExchangeCounter::peer_nomem);
    stats.resyncs = counters.get(ExchangeCounter::resyncs);
    return stats;
}

// --- the door --------------------------------------------------------------------------------

Exchange::Exchange(PairSink& sink, const ExchangeOptions& options)
    : impl_(std::make_unique<Impl>(sink, options)) {}
Exchange::~Exchange() = default;

void Exchange::attach(storage::Store& store) noexcept {
    impl_->attach(store);
}
Hello Exchange::hello(const storage::Now& now) const noexcept {
    return impl_->hello(now);
}
void Exchange::begin(const Hello& peer, const storage::Now& now) noexcept {
    impl_->begin(peer, now);
}
void Exchange::end(const storage::Now&) noexcept {
    impl_->end();
}
bool Exchange::in_session() const noexcept {
    return impl_->in_session();
}

bool Exchange::takes(FrameType type) noexcept {
    switch (type) {
        case FrameType::batch:
        case FrameType::segment:
        case FrameType::list:
        case FrameType::digest:
        case FrameType::flush:
        case FrameType::schedule:
        case FrameType::bump:
        case FrameType::ack:
            return true;
        default:
            return false;
    }
}

bool Exchange::on_frame(const Frame& frame, const storage::Now& now) noexcept {
    return impl_->on_frame(frame, now);
}
std::size_t Exchange::produce(lib::ByteBuffer& out, std::size_t budget_bytes,
                              const storage::Now& now) noexcept {
    return impl_->produce(out, budget_bytes, now);
}
bool Exchange::wants_to_send() const noexcept {
    return impl_->wants_to_send();
}
bool Exchange::may_rest() noexcept {
    return impl_->may_rest();
}
bool Exchange::caught_up() const noexcept {
    return impl_->caught_up();
}
bool Exchange::drained() const noexcept {
    return impl_->drained();
}
ExchangeStats Exchange::stats() const noexcept {
    return impl_->stats();
}

}  // namespace twincached::replication::pair
