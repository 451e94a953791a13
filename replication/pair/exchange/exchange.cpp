#include "replication/pair/exchange/exchange.hpp"

#include "replication/pair/exchange/exchange_impl.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <span>

namespace twincached::replication::pair {
namespace {

// "Less than a batch in the log": what is normal under load when the link keeps up.
constexpr std::uint64_t caught_up_entries = 1024;

}  // namespace

// --- what comes in ---------------------------------------------------------------------------

bool Exchange::Impl::on_frame(const Frame& frame, const storage::Now& now) noexcept {
    assert(in_session_);
    context_.counters.add(ExchangeCounter::bytes_received,
                          frame_header_size + frame.payload.size());
    if (frame.type == FrameType::ack) return on_ack(frame, now);
    if (frame.type == FrameType::hint) return hints_.receive(frame, now);
    if (frame.type == FrameType::digest && frame.seq == 0) return on_bucket_requests(frame);
    if (Scrub::takes(frame.type)) return scrub_.on_frame(frame, now);
    if (!incoming_.on_frame(frame, now)) return false;
    hear();
    ++past_.applied;
    ++past_.heard_applied;
    return true;
}

// The peer is there, in this session.
void Exchange::Impl::hear() noexcept {
    if (past_.heard_session == peer_session_) return;
    past_.heard_session = peer_session_;
    past_.heard_applied = past_.heard_acked = 0;
}

// Rule R10: first what is wanted enters the log, then what is acknowledged leaves it.
bool Exchange::Impl::on_ack(const Frame& frame, const storage::Now& now) noexcept {
    const AckReader ack(frame.payload);
    if (!ack.valid() || frame.seq != 0 || !context_.window.could_acknowledge(ack.seq())) {
        return false;
    }
    record_wanted(ack, now);
    hear();
    past_.heard_acked = ack.seq();
    free_acknowledged(ack.seq());
    context_.counters.add(ExchangeCounter::peer_nomem, ack.not_stored());
    measure_lag(now);
    return true;
}

void Exchange::Impl::measure_lag(const storage::Now& now) noexcept {
    lag_ms_.store(context_.window.lag_ms(now.steady_ms), std::memory_order_relaxed);
}

namespace {

// Looking up one hash after the other would wait for memory at each.
std::size_t fetch_ahead(const AckReader& ack, std::size_t from, const storage::Shard& shard,
                        const ChangeLog& log) noexcept {
    std::array<std::uint64_t, ChangeLog::fetched_at_once> hashes;
    const auto count = std::min(hashes.size(), ack.size() - from);
    for (std::size_t i = 0; i < count; ++i)
        hashes[i] = ack[from + i];
    const auto ahead = std::span(hashes).first(count);
    log.prefetch(ahead);
    shard.prefetch(ahead);
    return from + count;
}

}  // namespace

void Exchange::Impl::record_wanted(const AckReader& ack, const storage::Now& now) noexcept {
    constexpr std::size_t wants_per_lock = 1024;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < ack.size();) {
        const auto shard_number = context_.store->shard_of(ack[i]);
        auto& tracking = context_.sink.shard(shard_number);
        const auto end = std::min(ack.size(), i + wants_per_lock);
        context_.store->with_shard(shard_number, [&](storage::Shard& shard) {
            for (auto fetched = i; i < end; ++i) {
                if (context_.store->shard_of(ack[i]) != shard_number) break;
                if (i == fetched) fetched = fetch_ahead(ack, i, shard, tracking.log);
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
                    context_.sink.refresh(frame.place);
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
            case InFlight::Kind::digests:
                free_digests(frame_seq, frame);
                break;
            case InFlight::Kind::flush:
                free_flush(frame);
                break;
            case InFlight::Kind::other:
                break;
        }
    });
}

void Exchange::Impl::free_flush(const InFlight& frame) noexcept {
    context_.sink.peer_knows_flush(frame.cost);
    if (auto* gate = context_.sink.gate()) gate->settle_flushes(frame.position);
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        context_.store->with_shard(i, [&](storage::Shard&) { context_.sink.refresh(i); });
    }
}

void Exchange::Impl::free_digests(std::uint64_t seq, const InFlight& frame) noexcept {
    const auto shard =
        context_.store->shard_of_bucket(static_cast<storage::BucketNumber>(frame.place));
    auto& tracking = context_.sink.shard(shard);
    context_.store->with_shard(shard, [&](storage::Shard&) {
        for (std::size_t i = 0; i < frame.position; ++i) {
            const auto bucket = static_cast<storage::BucketNumber>(frame.place + i);
            if (tracking.buckets.walk_seq(bucket) == seq) tracking.buckets.end_walk(bucket);
        }
        tracking.refresh_gauges();
    });
    walk_.on_digests_gone();
}

// Comes before the acknowledgement of the digests that it answers: what it names is walked again.
bool Exchange::Impl::on_bucket_requests(const Frame& frame) noexcept {
    const BucketRequestReader requests(frame.payload);
    if (!requests.valid()) return false;
    for (std::size_t i = 0; i < requests.size();) {
        const auto shard = context_.store->shard_of_bucket(requests[i]);
        auto& tracking = context_.sink.shard(shard);
        context_.store->with_shard(shard, [&](storage::Shard&) {
            for (; i < requests.size() && context_.store->shard_of_bucket(requests[i]) == shard;
                 ++i)
                tracking.buckets.ask_for_list(requests[i]);
            tracking.refresh_gauges();
        });
    }
    context_.counters.add(ExchangeCounter::digests_denied, requests.size());
    walk_.on_digests_gone();
    return true;
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
        if (out.size() < end_size && !log_.is_sending_large()) scrub_.produce(out, end_size, now);
    }
    if (!log_.is_sending_large() && !context_.window.is_full()) hints_.send(out, end_size, now);
    past_.sent = context_.window.next_seq() - 1;
    measure_lag(now);
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
    const auto sent = [&](std::size_t before, InFlight frame) {
        frame.bytes = out.size() - before;
        frame.sent_ms = now.steady_ms;
        context_.window.add(frame);
    };
    if (context_.sink.take_flush_news()) {
        const auto before = out.size();
        InFlight frame;
        frame.kind = InFlight::Kind::flush;
        frame.position = context_.sink.flushes();
        frame.cost = context_.store->flush_version();
        write_frame(out, context_.window.next_seq(), Flush{frame.cost});
        sent(before, frame);
    }
    if (context_.sink.take_schedule_news()) {
        const auto schedule = context_.store->flush_schedule();
        const auto before = out.size();
        write_frame(out, context_.window.next_seq(),
                    Schedule{now.steady_ms, schedule.at_steady_ms, schedule.version});
        sent(before, {});
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
    const bool owes = incoming_.owes_ack() || scrub_.has_work();
    if (log_.is_sending_large() || owes || context_.sink.has_news()) return true;
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
    ExchangeStats stats = context_.stats();
    stats.lag_ms = lag_ms_.load(std::memory_order_relaxed);
    return stats;
}

// --- the door --------------------------------------------------------------------------------

Exchange::Exchange(ChangeSink& sink, const ExchangeOptions& options)
    : impl_(std::make_unique<Impl>(sink, options)) {}
Exchange::~Exchange() = default;

void Exchange::attach(storage::Store& store) noexcept {
    impl_->attach(store);
}
Standing Exchange::standing(const storage::Now& now) const noexcept {
    return impl_->standing(now);
}
void Exchange::begin(const Standing& peer, const storage::Now& now) noexcept {
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
        case FrameType::hint:
        case FrameType::scrub:
        case FrameType::scrub_want:
        case FrameType::scrub_list:
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
void Exchange::measure_lag(const storage::Now& now) noexcept {
    impl_->measure_lag(now);
}
bool Exchange::caught_up() const noexcept {
    return impl_->caught_up();
}
bool Exchange::drained() const noexcept {
    return impl_->drained();
}
std::string Exchange::remember(bool alone) {
    return impl_->remember(alone);
}
bool Exchange::recall(std::string_view remembered) {
    return impl_->recall(remembered);
}
bool Exchange::has_unconfirmed_memory() const noexcept {
    return impl_->has_unconfirmed_memory();
}
void Exchange::believe_memory() noexcept {
    impl_->believe_memory();
}
bool Exchange::needs_peers_word() const noexcept {
    return impl_->needs_peers_word();
}
Meeting Exchange::judge(const Standing& peer) const noexcept {
    return impl_->judge(peer);
}
void Exchange::forget(std::uint64_t new_epoch, const storage::Now& now) noexcept {
    impl_->forget(new_epoch, now);
}
std::uint64_t Exchange::epoch() const noexcept {
    return impl_->epoch();
}
bool Exchange::is_dirty() const noexcept {
    return impl_->is_dirty();
}
void Exchange::distrust_peer() noexcept {
    impl_->distrust_peer();
}
std::uint64_t Exchange::lag_ms() const noexcept {
    return impl_->lag_ms();
}
std::uint64_t Exchange::scrub_defects() const noexcept {
    return impl_->scrub_defects();
}
Traffic Exchange::traffic() const noexcept {
    return impl_->traffic();
}
ExchangeStats Exchange::stats() const noexcept {
    return impl_->stats();
}

}  // namespace twincached::replication::pair
