#include "replication/pair/exchange/incoming.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

namespace twincached::replication::pair {
namespace {

// A quarter of what may lie in a session's output, so that many wishes are told piece by piece.
constexpr std::size_t wants_per_ack = 8192;
static_assert(wants_per_ack <= ack_wants_limit);

}  // namespace

void Incoming::begin(storage::Version split) noexcept {
    end();
    lists_.begin(split);
    offset_.reset();
}

void Incoming::end() noexcept {
    applied_ = acked_ = 0;
    not_stored_ = 0;
    wants_.clear();
    requests_.clear();
    arriving_.reset();
    group_.count = group_.bytes = 0;
}

// In order and without gaps, or the session ends: an acknowledgement says "everything until here",
// and there is no other word for what is missing. False: the peer is not to be believed.
bool Incoming::on_frame(const Frame& frame, const storage::Now& now) {
    if (frame.seq != applied_ + 1 || wants_.size() > wants_limit) return false;
    // The pieces of a large value come one after the other.
    if (arriving_ && frame.type != FrameType::segment) return false;
    bool applied = false;
    switch (frame.type) {
        case FrameType::batch:
            applied = apply_batch(frame, now);
            break;
        case FrameType::segment:
            applied = apply_segment(frame, now);
            break;
        case FrameType::list:
            applied = lists_.apply(ListReader(frame.payload), now, wants_);
            break;
        case FrameType::digest:
            if (requests_.size() > storage::bucket_count) return false;
            applied = lists_.apply(DigestReader(frame.payload), now, requests_);
            break;
        case FrameType::flush:
            applied = apply_flush(frame, now);
            break;
        case FrameType::schedule:
            applied = apply_schedule(frame, now);
            break;
        default:
            break;
    }
    if (applied) ++applied_;
    return applied;
}

// What is wanted must not come after the acknowledgement of the list that it answers: if it does
// not fit into one frame, the frames before the last acknowledge nothing new.
void Incoming::write_acks(lib::ByteBuffer& out, std::size_t end_size) {
    if (!owes_ack()) return;
    if (!requests_.empty()) write_bucket_requests(out, FrameType::digest, requests_);
    requests_.clear();
    std::span<const std::uint64_t> wants(wants_);
    for (; out.size() < end_size && wants.size() > wants_per_ack;
         wants = wants.subspan(wants_per_ack)) {
        write_frame(out, Ack{acked_, 0, wants.first(wants_per_ack)});
    }
    if (wants.size() > wants_per_ack) {
        wants_.erase(wants_.begin(), wants_.end() - static_cast<std::ptrdiff_t>(wants.size()));
        return;
    }
    write_frame(out, Ack{applied_, std::exchange(not_stored_, 0), wants});
    acked_ = applied_;
    wants_.clear();
}

// --- batches ---------------------------------------------------------------------------------

// Records are applied in groups, one lock for each; those of a batch are of one shard on the
// sender, but need not be here, where the number of shards may be another. Before a record is
// applied its version has passed the gate: one that is refused ends the batch with nothing of its
// group applied.
bool Incoming::apply_batch(const Frame& frame, const storage::Now& now) {
    BatchReader reader(frame.payload);
    offset_.observe(reader.sender_now_ms(), now.steady_ms);
    WireRecord record;
    std::uint64_t records = 0;
    while (reader.next(record)) {
        if (!context_.admits_item(record.version, now)) {
            group_.count = group_.bytes = 0;
            return false;
        }
        const auto key = context_.store->key(record.key);
        if (record.kind == RecordKind::item && context_.store->is_large(record.value.size())) {
            // Copied, and room made for it, without the shard's lock.
            if (group_.count > 0) apply_group(now);
            count(context_.store->apply(item_of(key, record), now));
            ++records;
            continue;
        }
        const auto shard = context_.store->shard_of(key.hash);
        const bool is_full = group_.count == Group::records_limit ||
                             group_.bytes + record.value.size() > Group::bytes_limit;
        if (group_.count > 0 && (is_full || shard != group_.shard)) apply_group(now);
        group_.shard = shard;
        group_.bytes += record.value.size();
        group_.members[group_.count++] = {key, record};
        ++records;
    }
    if (group_.count > 0) apply_group(now);
    context_.counters.add(ExchangeCounter::records_received, records);
    return reader.complete();
}

bool Incoming::apply_told(const WireRecord& record, const storage::Now& now) {
    if (!context_.admits_item(record.version, now)) return false;
    const auto key = context_.store->key(record.key);
    const auto shard_number = context_.store->shard_of(key.hash);
    if (record.kind == RecordKind::item && context_.store->is_large(record.value.size())) {
        (void)context_.store->apply(item_of(key, record), now);
        return true;
    }
    context_.with_shard(shard_number, [&](storage::Shard& shard) {
        apply_record(shard, {key, record}, now);
    });
    return true;
}

// Three passes over the same records: the first two only fetch, so that their waits overlap.
void Incoming::apply_group(const storage::Now& now) {
    std::array<std::uint64_t, Group::records_limit> hashes;
    for (std::size_t i = 0; i < group_.count; ++i)
        hashes[i] = group_.members[i].key.hash;
    context_.with_shard(group_.shard, [&](storage::Shard& shard) {
        shard.prefetch(std::span(hashes).first(group_.count));
        for (std::size_t i = 0; i < group_.count; ++i)
            context_.sink.prefetch(group_.shard, hashes[i]);
        for (std::size_t i = 0; i < group_.count; ++i)
            apply_record(shard, group_.members[i], now);
    });
    group_.count = 0;
    group_.bytes = 0;
}

// The clock first: whatever this node writes from here on is newer than what it has seen (rule R4).
void Incoming::apply_record(storage::Shard& shard, const Group::Member& member,
                            const storage::Now& now) {
    const auto& [key, record] = member;
    shard.observe(record.version);
    switch (record.kind) {
        case RecordKind::item:
            count(shard.apply(item_of(key, record), now));
            break;
        case RecordKind::removal:
            count(shard.apply_delete(key, record.version, now));
            break;
        case RecordKind::touch: {
            const auto expiry = offset_.to_expiry(record.expiry_ms);
            if (shard.apply_touch(key, record.version, expiry, now)) break;
            // An older item must not outlive this: the peer may lose its own before it answers.
            shard.drop_in_doubt(key, now);
            wants_.push_back(key.hash);
            break;
        }
    }
}

storage::Record Incoming::item_of(const storage::Key& key,
                                  const WireRecord& record) const noexcept {
    return to_take_over(key, record, offset_.to_expiry(record.expiry_ms));
}

// What did not fit is told with the acknowledgement: a client whose answer waits
// for the peer must not hear that there are two copies.
void Incoming::count(storage::ApplyOutcome outcome) noexcept {
    switch (outcome) {
        case storage::ApplyOutcome::applied:
            break;
        case storage::ApplyOutcome::outdated:
            context_.counters.add(ExchangeCounter::stale_rejected);
            break;
        case storage::ApplyOutcome::no_memory:
            context_.counters.add(ExchangeCounter::apply_nomem);
            ++not_stored_;
            break;
    }
}

// --- large values ----------------------------------------------------------------------------

bool Incoming::apply_segment(const Frame& frame, const storage::Now& now) {
    const auto segment = read_segment(frame.payload);
    if (!segment || !context_.admits_item(segment->record.version, now)) return false;
    offset_.observe(segment->sender_now_ms, now.steady_ms);
    if (!arriving_ && !begin_arriving(*segment, now)) return false;

    auto& arriving = *arriving_;
    const bool goes_on = segment->offset == arriving.received && segment->total == arriving.total &&
                         segment->record.version == arriving.head.version &&
                         segment->record.key == arriving.key;
    if (!goes_on) return false;
    const auto piece = segment->record.value;
    if (arriving.memory) {
        std::memcpy(arriving.memory.bytes().data() + arriving.received, piece.data(), piece.size());
    }
    arriving.received += piece.size();
    if (arriving.received == arriving.total) finish_arriving(now);
    return true;
}

bool Incoming::begin_arriving(const Segment& segment, const storage::Now& now) {
    const auto& record = segment.record;
    if (segment.offset != 0 || !context_.store->is_large(segment.total)) return false;
    arriving_ = Arriving();
    auto& arriving = *arriving_;
    arriving.key = record.key;
    arriving.head = record;
    arriving.head.key = arriving.head.value = {};
    arriving.total = segment.total;
    const auto key_size = record.key.size();
    if (!context_.store->exceeds_limit(key_size, segment.total, record.client_flags)) {
        arriving.memory = context_.store->reserve(segment.total, now);
    }
    return true;
}

// What cannot be kept still removes what is older (rule R4).
void Incoming::finish_arriving(const storage::Now& now) noexcept {
    auto& arriving = *arriving_;
    const auto key = context_.store->key(arriving.key);
    if (arriving.memory) {
        arriving.head.value = {arriving.memory.bytes().data(), arriving.memory.bytes().size()};
        count(context_.store->apply(item_of(key, arriving.head), now));
    } else {
        context_.store->with_shard(context_.store->shard_of(key.hash), [&](storage::Shard& shard) {
            shard.observe(arriving.head.version);
            (void)shard.apply_delete(key, arriving.head.version, now);
        });
        count(storage::ApplyOutcome::no_memory);
    }
    context_.counters.add(ExchangeCounter::records_received);
    arriving_.reset();
}

// --- flushes ---------------------------------------------------------------------------------

bool Incoming::apply_flush(const Frame& frame, const storage::Now& now) noexcept {
    const auto flush = read_flush(frame.payload);
    if (!flush || !context_.admits(flush->version, now)) return false;
    context_.store->observe(flush->version);
    context_.store->apply_flush(flush->version);
    context_.sink.peer_knows_flush(flush->version);
    return true;
}

bool Incoming::apply_schedule(const Frame& frame, const storage::Now& now) noexcept {
    const auto schedule = read_schedule(frame.payload);
    if (!schedule || !context_.admits(schedule->version, now)) return false;
    offset_.observe(schedule->sender_now_ms, now.steady_ms);
    const auto at_ms = schedule->at_ms == 0 ? 0 : offset_.to_local_ms(schedule->at_ms);
    context_.store->apply_flush_schedule(at_ms, schedule->version);
    return true;
}

}  // namespace twincached::replication::pair
