#include "replication/records/data_frames.hpp"

#include <cassert>
#include <cstring>
#include <limits>

namespace twincached::replication {
namespace {

// The bits of a record's second byte. A peer that sets one that is not known here would mean
// something that this node would lose without a word: the frame is refused.
enum RecordFlag : std::uint8_t {
    flag_stale = 1,
    flag_binary_key = 2,
    flag_explicit_cas = 4,
    flag_cold = 8,
    flags_known = 15,
};

std::uint8_t flags_of(const WireRecord& record) noexcept {
    unsigned flags = 0;
    if (record.stale) flags |= flag_stale;
    if (record.binary_key) flags |= flag_binary_key;
    if (record.explicit_cas) flags |= flag_explicit_cas;
    if (record.cold) flags |= flag_cold;
    return static_cast<std::uint8_t>(flags);
}

// One piece of memory, filled in place: this is the sender's hot path.
void append_record(lib::ByteBuffer& out, const WireRecord& record, std::uint32_t value_length) {
    const std::size_t size = record_header_size + (record.explicit_cas ? 8U : 0U) +
                             record.key.size() + record.value.size();
    char* at = out.prepare(size);
    lib::store_little(at, static_cast<std::uint8_t>(record.kind));
    lib::store_little(at + 1, flags_of(record));
    lib::store_little(at + 2, static_cast<std::uint16_t>(record.key.size()));
    lib::store_little(at + 4, value_length);
    lib::store_little(at + 8, record.version);
    lib::store_little(at + 16, record.client_flags);
    lib::store_little(at + 20, record.expiry_ms);
    lib::store_little(at + 28, std::uint16_t{0});
    at += record_header_size;
    if (record.explicit_cas) {
        lib::store_little(at, *record.explicit_cas);
        at += 8;
    }
    std::memcpy(at, record.key.data(), record.key.size());
    if (!record.value.empty()) {
        std::memcpy(at + record.key.size(), record.value.data(), record.value.size());
    }
    out.commit(size);
}

// Everything before the value. Gives the value's length.
std::uint32_t read_record_head(WireReader& in, WireRecord& record) noexcept {
    const auto head = in.bytes(record_header_size);
    if (in.failed()) return 0;
    const char* at = head.data();
    const auto kind = lib::load_little<std::uint8_t>(at);
    const auto flags = lib::load_little<std::uint8_t>(at + 1);
    const auto key_length = lib::load_little<std::uint16_t>(at + 2);
    const auto value_length = lib::load_little<std::uint32_t>(at + 4);
    record.kind = static_cast<RecordKind>(kind);
    record.stale = (flags & flag_stale) != 0;
    record.binary_key = (flags & flag_binary_key) != 0;
    record.cold = (flags & flag_cold) != 0;
    record.version = lib::load_little<std::uint64_t>(at + 8);
    record.client_flags = lib::load_little<std::uint32_t>(at + 16);
    record.expiry_ms = lib::load_little<std::uint64_t>(at + 20);
    record.explicit_cas.reset();
    if ((flags & flag_explicit_cas) != 0) record.explicit_cas = in.u64();
    record.key = in.bytes(key_length);

    // What only a newer protocol could mean, and what no store could hold, ends the session:
    // skipped, it would be acknowledged, and never sent again.
    const bool known = kind >= 1 && kind <= 3 && (flags & ~flags_known) == 0 &&
                       lib::load_little<std::uint16_t>(at + 28) == 0;
    const bool sound = key_length > 0 && key_length <= storage::key_size_limit &&
                       record.version != 0 &&
                       (value_length == 0 || record.kind == RecordKind::item);
    if (!known || !sound) in.fail();
    return value_length;
}

// In one piece of memory: 16 bytes each, hash and version.
void append_items(lib::ByteBuffer& out, std::span<const BucketItem> items) {
    char* at = out.prepare(items.size() * list_item_size);
    for (const auto& item : items) {
        lib::store_little(at, item.hash);
        lib::store_little(at + 8, item.version);
        at += list_item_size;
    }
    out.commit(items.size() * list_item_size);
}

}  // namespace

void append_record(lib::ByteBuffer& out, const WireRecord& record) {
    assert(record.value.size() <= batched_value_limit);
    append_record(out, record, static_cast<std::uint32_t>(record.value.size()));
}

bool read_record(WireReader& in, WireRecord& record) noexcept {
    const auto value_length = read_record_head(in, record);
    record.value = in.bytes(value_length);
    return !in.failed();
}

// The count is written last, over what stands in its place here: the records of a batch are not
// known before the shard's lock is held, and are not looked at twice.
BatchWriter::BatchWriter(lib::ByteBuffer& out, std::uint64_t seq, std::uint16_t lane,
                         std::uint64_t sender_now_ms)
    : out_(out), frame_(out, FrameType::batch, seq) {
    WireWriter(out).u16(lane);
    count_at_ = out.size();
    WireWriter(out).u16(0).u64(sender_now_ms);
}

void BatchWriter::add(const WireRecord& record) {
    assert(record.value.size() <= batched_value_limit && !is_full());
    append_record(out_, record, static_cast<std::uint32_t>(record.value.size()));
    ++count_;
}

bool BatchWriter::is_full() const noexcept {
    return size() >= batch_size_target || count_ == std::numeric_limits<std::uint16_t>::max();
}

void BatchWriter::finish() noexcept {
    auto* bytes = const_cast<char*>(out_.readable().data());
    lib::store_little(bytes + count_at_, count_);
    frame_.finish();
}

// The head only. What follows is read record by record, so that a batch costs no memory of its own.
BatchReader::BatchReader(std::string_view payload) noexcept : in_(payload) {
    in_.u16();  // the lane is the sender's affair
    left_ = in_.u16();
    sender_now_ms_ = in_.u64();
}

bool BatchReader::next(WireRecord& record) noexcept {
    if (left_ == 0 || !read_record(in_, record)) return false;
    --left_;
    return true;
}

void write_frame(lib::ByteBuffer& out, std::uint64_t seq, const Segment& segment) {
    FrameWriter frame(out, FrameType::segment, seq);
    WireWriter(out).u64(segment.sender_now_ms).u64(segment.offset);
    append_record(out, segment.record, segment.total);
    frame.finish();
}

// Each piece says the whole: total and offset must agree with what is here, for the receiver
// reserves by the first and copies by the second.
std::optional<Segment> read_segment(std::string_view payload) noexcept {
    WireReader in(payload);
    Segment segment;
    segment.sender_now_ms = in.u64();
    segment.offset = in.u64();
    segment.total = read_record_head(in, segment.record);
    segment.record.value = in.bytes(in.remaining());
    const bool sound = in.complete() && segment.record.kind == RecordKind::item &&
                       !segment.record.value.empty() && segment.offset < segment.total &&
                       segment.record.value.size() <= segment.total - segment.offset;
    if (!sound) return std::nullopt;
    return segment;
}

// Of at most list_items_limit items. The peer judges by them alone what it lacks and what it must
// drop (rule R9).
void write_list(lib::ByteBuffer& out, const ListHead& head, std::span<const BucketItem> items) {
    assert(items.size() <= list_items_limit);
    FrameWriter frame(out, head.type, head.seq);
    const auto count = static_cast<std::uint32_t>(items.size());
    WireWriter(out).u16(head.bucket).u64(head.floor).u32(count);
    append_items(out, items);
    frame.finish();
}

void write_removed(lib::ByteBuffer& out, std::uint64_t seq, std::span<const BucketItem> removed) {
    assert(removed.size() <= removed_limit);
    FrameWriter frame(out, FrameType::removed, seq);
    append_items(out, removed);
    frame.finish();
}

// The count must be that of the items which are there: a list cut short would pass for a bucket
// that holds less, and what is missing would be dropped.
ListReader::ListReader(std::string_view payload) noexcept {
    WireReader in(payload);
    bucket_ = in.u16();
    floor_ = in.u64();
    const auto count = in.u32();
    items_ = in.bytes(std::size_t{count} * list_item_size);
    valid_ = in.complete();
}

// Most buckets of an almost empty store are empty: a bit each says which ones follow with 16 bytes.
void write_digests(lib::ByteBuffer& out, const DigestsHead& head,
                   std::span<const BucketDigest> digests) {
    assert(digests.size() <= digests_limit);
    FrameWriter frame(out, head.type, head.seq);
    WireWriter writer(out);
    writer.u16(head.first).u16(static_cast<std::uint16_t>(digests.size()));
    const auto is_set = [&](std::size_t i) {
        return i < digests.size() && (digests[i].floor | digests[i].digest) != 0;
    };
    for (std::size_t i = 0; i < digests.size(); i += 8) {
        unsigned bits = 0;
        for (unsigned bit = 0; bit < 8; ++bit)
            bits |= is_set(i + bit) ? 1U << bit : 0U;
        writer.u8(static_cast<std::uint8_t>(bits));
    }
    for (std::size_t i = 0; i < digests.size(); ++i) {
        if (is_set(i)) writer.u64(digests[i].floor).u64(digests[i].digest);
    }
    frame.finish();
}

// As many entries as bits are set, no more buckets than there are: what next() takes is then there.
DigestReader::DigestReader(std::string_view payload) noexcept {
    WireReader in(payload);
    first_ = in.u16();
    count_ = in.u16();
    bits_ = in.bytes((count_ + 7) / 8);
    entries_ = in.bytes(in.remaining());
    std::size_t set = 0;
    for (std::size_t i = 0; i < bits_.size() * 8; ++i)
        set += is_set(i);
    valid_ = in.complete() && count_ > 0 && count_ <= digests_limit &&
             first_ + count_ <= storage::bucket_count && entries_.size() == set * 16;
}

BucketDigest DigestReader::next() noexcept {
    if (at_ == count_ || !is_set(at_++)) return {};
    const char* entry = entries_.data();
    entries_.remove_prefix(16);
    return {lib::load_little<std::uint64_t>(entry), lib::load_little<std::uint64_t>(entry + 8)};
}

void write_bucket_requests(lib::ByteBuffer& out, FrameType type,
                           std::span<const storage::BucketNumber> buckets) {
    FrameWriter frame(out, type);
    WireWriter writer(out);
    for (const auto bucket : buckets)
        writer.u16(bucket);
    frame.finish();
}

void write_frame(lib::ByteBuffer& out, std::uint64_t seq, const Flush& flush) {
    FrameWriter frame(out, FrameType::flush, seq);
    WireWriter(out).u64(flush.version);
    frame.finish();
}

std::optional<Flush> read_flush(std::string_view payload) noexcept {
    WireReader in(payload);
    const Flush flush{in.u64()};
    if (!in.complete()) return std::nullopt;
    return flush;
}

void write_frame(lib::ByteBuffer& out, std::uint64_t seq, const Schedule& schedule) {
    FrameWriter frame(out, FrameType::schedule, seq);
    WireWriter(out).u64(schedule.sender_now_ms).u64(schedule.at_ms).u64(schedule.version);
    frame.finish();
}

std::optional<Schedule> read_schedule(std::string_view payload) noexcept {
    WireReader in(payload);
    Schedule schedule;
    schedule.sender_now_ms = in.u64();
    schedule.at_ms = in.u64();
    schedule.version = in.u64();
    if (!in.complete()) return std::nullopt;
    return schedule;
}

void write_frame(lib::ByteBuffer& out, const Ack& ack) {
    assert(ack.wants.size() <= ack_wants_limit);
    FrameWriter frame(out, FrameType::ack);
    WireWriter writer(out);
    writer.u64(ack.seq).u32(ack.not_stored).u32(static_cast<std::uint32_t>(ack.wants.size()));
    for (const auto hash : ack.wants)
        writer.u64(hash);
    frame.finish();
}

// What is wanted is named by its hash: the sender looks its keys up under the same hash.
AckReader::AckReader(std::string_view payload) noexcept {
    WireReader in(payload);
    seq_ = in.u64();
    not_stored_ = in.u32();
    const auto count = in.u32();
    wants_ = in.bytes(std::size_t{count} * 8);
    valid_ = in.complete();
}

// May be left out by a peer that does not know it, and by this node if there is no room: nothing
// but the order of evictions depends on it.
void write_hints(lib::ByteBuffer& out, std::span<const std::uint64_t> hashes) {
    FrameWriter frame(out, FrameType::hint, 0, frame_ignorable);
    WireWriter writer(out);
    for (const auto hash : hashes)
        writer.u64(hash);
    frame.finish();
}

}  // namespace twincached::replication
