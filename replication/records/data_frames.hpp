// The payloads of the exchange's frames: mutations, what a bucket holds, what is wanted, what
// has been applied. Layouts: REPLICATION.md section 8. Everything read from a payload points
// into it. Pure functions, any thread; allocation-free.
//
// A record:
//   u8 kind | u8 flags | u16 key length | u32 value length | u64 version | u32 client flags |
//   u64 expiry, ms on the sender's steady clock, 0 = never | u16 0 | [u64 explicit CAS] key value
#pragma once

#include "lib/byte_buffer.hpp"
#include "lib/endian.hpp"
#include "replication/records/frame.hpp"
#include "replication/records/wire.hpp"
#include "storage/key.hpp"
#include "storage/operations.hpp"
#include "storage/version.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace twincached::replication {

enum class RecordKind : std::uint8_t { item = 1, removal = 2, touch = 3 };

struct WireRecord {
    RecordKind kind = RecordKind::item;
    bool stale = false;
    bool binary_key = false;
    bool cold = false;  // sent because a walk found it missing: no sign that it is in use
    std::uint32_t client_flags = 0;
    storage::Version version = 0;
    std::uint64_t expiry_ms = 0;
    std::optional<std::uint64_t> explicit_cas;
    std::string_view key;
    std::string_view value;
};

// An expiry as records and requests tell it.
constexpr std::uint64_t wire_ms_of(storage::Expiry expiry) noexcept {
    return std::uint64_t{expiry.raw()} * 1000;
}

// Of the item what stands before key and value, which are left to the caller. Here, since the
// sender's hot path calls it.
inline WireRecord record_head_of(const storage::ItemView& item) noexcept {
    WireRecord record;
    record.stale = item.stale;
    record.binary_key = item.binary_key;
    record.client_flags = item.client_flags;
    record.version = item.version;
    record.expiry_ms = wire_ms_of(item.expiry);
    if (item.explicit_cas) record.explicit_cas = item.cas;
    return record;
}

inline constexpr std::size_t record_header_size = 30;
// About how many bytes it takes to send the item.
constexpr std::size_t item_cost(const storage::ItemView& item) noexcept {
    return record_header_size + item.key.size() + item.value.size();
}
inline constexpr std::size_t record_overhead_limit =
    record_header_size + 8 + storage::key_size_limit;
// Values above this travel alone, in segments.
inline constexpr std::size_t batched_value_limit = 256U << 10;
inline constexpr std::size_t segment_size = 256U << 10;
inline constexpr std::size_t batch_size_target = 64U << 10;

// A record as it stands in other frames than these. REQUIRES: its value is not longer than
// batched_value_limit. False: it makes no sense, and the reader has failed.
void append_record(lib::ByteBuffer& out, const WireRecord& record);
bool read_record(WireReader& in, WireRecord& record) noexcept;

// 10: u16 lane | u16 count | u64 sender's steady clock | records. All of one shard of the sender,
// in the order in which they were read from it. Same use as FrameWriter.
class BatchWriter {
  public:
    BatchWriter(lib::ByteBuffer& out, std::uint64_t seq, std::uint16_t lane,
                std::uint64_t sender_now_ms);
    // REQUIRES: record.value.size() <= batched_value_limit, !is_full().
    void add(const WireRecord& record);
    bool is_full() const noexcept;
    std::uint16_t count() const noexcept { return count_; }
    std::size_t size() const noexcept { return frame_.payload_size(); }
    void finish() noexcept;
    void cancel() noexcept { frame_.cancel(); }

  private:
    lib::ByteBuffer& out_;
    FrameWriter frame_;
    std::size_t count_at_;
    std::uint16_t count_ = 0;
};

class BatchReader {
  public:
    explicit BatchReader(std::string_view payload) noexcept;
    std::uint64_t sender_now_ms() const noexcept { return sender_now_ms_; }
    // False at the end; then ask complete().
    bool next(WireRecord& record) noexcept;
    // Every record was read and nothing is left over.
    bool complete() const noexcept { return left_ == 0 && in_.complete(); }

  private:
    WireReader in_;
    std::uint64_t sender_now_ms_;
    std::uint16_t left_;
};

// 11: u64 sender's steady clock | u64 offset | record, whose value length is that of the whole
// value, with only the piece at `offset` as its value. The item exists when the last piece is in.
struct Segment {
    std::uint64_t sender_now_ms = 0;
    std::uint64_t offset = 0;
    std::uint32_t total = 0;
    WireRecord record;  // value: the piece
};

// 17 to 19, of protocol 2, are unreliable: SCRUB has a DIGEST's payload, without floors, SCRUB_WANT
// that of its answer, SCRUB_LIST a LIST's, without a floor.

// 12: u16 bucket | u64 floor (M) | u32 count | count times u64 hash, u64 version.
struct BucketItem {
    std::uint64_t hash = 0;
    storage::Version version = 0;
};
inline constexpr std::size_t list_header_size = 14;
inline constexpr std::size_t list_item_size = 16;
inline constexpr std::size_t list_items_limit =
    (frame_payload_limit - list_header_size) / list_item_size;

inline BucketItem bucket_item_at(const char* bytes) noexcept {
    return {lib::load_little<std::uint64_t>(bytes), lib::load_little<std::uint64_t>(bytes + 8)};
}

class ListReader {
  public:
    explicit ListReader(std::string_view payload) noexcept;
    bool valid() const noexcept { return valid_; }
    storage::BucketNumber bucket() const noexcept { return bucket_; }
    storage::Version floor() const noexcept { return floor_; }
    std::size_t size() const noexcept { return items_.size() / list_item_size; }
    BucketItem operator[](std::size_t index) const noexcept {
        return bucket_item_at(items_.data() + index * list_item_size);
    }

  private:
    std::string_view items_;
    storage::Version floor_ = 0;
    storage::BucketNumber bucket_ = 0;
    bool valid_ = false;
};

// 13: u16 first bucket | u16 count | a bit for each bucket, lowest first | for each bit that is set
// u64 floor, u64 digest. Of the others both are 0: they hold nothing, and remember nothing.
// Unreliable (sequence number 0) it is the answer: u16 buckets whose lists are wanted instead.
inline constexpr std::size_t digests_limit = 4096;
struct BucketDigest {
    storage::Version floor = 0;
    std::uint64_t digest = 0;
};
class DigestReader {
  public:
    explicit DigestReader(std::string_view payload) noexcept;
    bool valid() const noexcept { return valid_; }
    storage::BucketNumber first() const noexcept { return first_; }
    std::size_t size() const noexcept { return count_; }
    // The digests one after the other, `size()` of them. REQUIRES: valid().
    BucketDigest next() noexcept;

  private:
    bool is_set(std::size_t index) const noexcept {
        return (static_cast<unsigned char>(bits_[index / 8]) >> (index % 8) & 1U) != 0;
    }

    std::string_view bits_;
    std::string_view entries_;
    std::size_t count_ = 0;
    std::size_t at_ = 0;
    storage::BucketNumber first_ = 0;
    bool valid_ = false;
};

class BucketRequestReader {
  public:
    explicit BucketRequestReader(std::string_view payload) noexcept : buckets_(payload) {}
    bool valid() const noexcept { return buckets_.size() % 2 == 0; }
    std::size_t size() const noexcept { return buckets_.size() / 2; }
    storage::BucketNumber operator[](std::size_t index) const noexcept {
        return lib::load_little<std::uint16_t>(buckets_.data() + index * 2);
    }

  private:
    std::string_view buckets_;
};

// 14
struct Flush {
    storage::Version version = 0;
};

// 15: a flush at a time of the sender's steady clock; 0 takes an earlier one back.
struct Schedule {
    std::uint64_t sender_now_ms = 0;
    std::uint64_t at_ms = 0;
    storage::Version version = 0;
};

// 20: u64 seq | u32 not stored for lack of memory | u32 count | count times u64 hash wanted.
// Everything up to `seq` has been applied.
inline constexpr std::size_t ack_header_size = 16;
inline constexpr std::size_t ack_wants_limit = (frame_payload_limit - ack_header_size) / 8;

class AckReader {
  public:
    explicit AckReader(std::string_view payload) noexcept;
    bool valid() const noexcept { return valid_; }
    std::uint64_t seq() const noexcept { return seq_; }
    std::uint32_t not_stored() const noexcept { return not_stored_; }
    std::size_t size() const noexcept { return wants_.size() / 8; }
    std::uint64_t operator[](std::size_t index) const noexcept {
        return lib::load_little<std::uint64_t>(wants_.data() + index * 8);
    }

  private:
    std::string_view wants_;
    std::uint64_t seq_ = 0;
    std::uint32_t not_stored_ = 0;
    bool valid_ = false;
};

// 16: u64 hashes of items that were read here: hints, which may be lost.
class HintReader {
  public:
    explicit HintReader(std::string_view payload) noexcept : hashes_(payload) {}
    bool valid() const noexcept { return hashes_.size() % 8 == 0; }
    std::size_t size() const noexcept { return hashes_.size() / 8; }
    std::uint64_t operator[](std::size_t index) const noexcept {
        return lib::load_little<std::uint64_t>(hashes_.data() + index * 8);
    }

  private:
    std::string_view hashes_;
};

// 1C: times u64 hash, u64 version: keys that were removed, as the hash of them is all that is
// remembered.
inline constexpr std::size_t removed_limit = frame_payload_limit / list_item_size;

class RemovedReader {
  public:
    explicit RemovedReader(std::string_view payload) noexcept : items_(payload) {}
    bool valid() const noexcept { return items_.size() % list_item_size == 0; }
    std::size_t size() const noexcept { return items_.size() / list_item_size; }
    BucketItem operator[](std::size_t index) const noexcept {
        return bucket_item_at(items_.data() + index * list_item_size);
    }

  private:
    std::string_view items_;
};

struct Ack {
    std::uint64_t seq = 0;
    std::uint32_t not_stored = 0;
    std::span<const std::uint64_t> wants;  // at most ack_wants_limit
};

// Each appends a whole frame.
void write_frame(lib::ByteBuffer& out, std::uint64_t seq, const Segment& segment);
struct ListHead {
    FrameType type = FrameType::list;  // or scrub_list
    std::uint64_t seq = 0;
    storage::BucketNumber bucket = 0;
    storage::Version floor = 0;
};
void write_list(lib::ByteBuffer& out, const ListHead& head, std::span<const BucketItem> items);
// At most removed_limit of them.
void write_removed(lib::ByteBuffer& out, std::uint64_t seq, std::span<const BucketItem> removed);
struct DigestsHead {
    FrameType type = FrameType::digest;  // or scrub
    std::uint64_t seq = 0;
    storage::BucketNumber first = 0;
};
void write_digests(lib::ByteBuffer& out, const DigestsHead& head,
                   std::span<const BucketDigest> digests);  // at most digests_limit
// `type`: digest or scrub_want.
void write_bucket_requests(lib::ByteBuffer& out, FrameType type,
                           std::span<const storage::BucketNumber> buckets);
void write_frame(lib::ByteBuffer& out, std::uint64_t seq, const Flush& flush);
void write_frame(lib::ByteBuffer& out, std::uint64_t seq, const Schedule& schedule);
void write_frame(lib::ByteBuffer& out, const Ack& ack);
void write_hints(lib::ByteBuffer& out, std::span<const std::uint64_t> hashes);

std::optional<Segment> read_segment(std::string_view payload) noexcept;
std::optional<Flush> read_flush(std::string_view payload) noexcept;
std::optional<Schedule> read_schedule(std::string_view payload) noexcept;

}  // namespace twincached::replication
