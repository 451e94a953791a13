// Applies the peer's reliable frames to the store, in order, and owes it the acknowledgement:
// with it goes what is wanted. Rules R4, R9, R13. Owned by the exchange, on the replication
// strand.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/exchange/exchange_context.hpp"
#include "replication/pair/exchange/walk.hpp"
#include "replication/records/clock_offset.hpp"
#include "replication/records/data_frames.hpp"
#include "replication/records/item_records.hpp"
#include "storage/now.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace twincached::replication::pair {

class Incoming {
  public:
    // More unanswered wishes than a peer within its own limits can cause.
    static constexpr std::size_t wants_limit = 1U << 20;

    explicit Incoming(ExchangeContext& context) : context_(context), lists_(context) {}

    void begin(storage::Version split) noexcept;
    void end() noexcept;

    // A reliable frame. False: it makes no sense, or is not the next.
    [[nodiscard]] bool on_frame(const Frame& frame, const storage::Now& now);

    // A record that came in no numbered frame: it is applied all the same, and acknowledged by
    // nobody. False: its version is not to be believed. REQUIRES: it is no touch.
    [[nodiscard]] bool apply_told(const WireRecord& record, const storage::Now& now);

    // To be asked for with the next acknowledgement.
    // Of what is wanted unasked, what finds no room is left for the next time.
    void want(std::uint64_t hash) {
        if (wants_.size() < wants_limit) wants_.push_back(hash);
    }

    bool owes_ack() const noexcept { return applied_ != acked_ || !wants_.empty(); }
    // What is owed, while the buffer is shorter than `end_size`; the rest stays owed.
    void write_acks(lib::ByteBuffer& out, std::size_t end_size);

    std::uint64_t applied() const noexcept { return applied_; }  // frames of this session
    ClockOffset& offset() noexcept { return offset_; }

  private:
    // Records of one shard, to be applied under one lock.
    struct Group {
        static constexpr std::size_t records_limit = 64;
        static constexpr std::size_t bytes_limit = 256U << 10;
        struct Member {
            storage::Key key;
            WireRecord record;
        };
        std::array<Member, records_limit> members;
        std::size_t count = 0;
        std::size_t bytes = 0;
        unsigned shard = 0;
    };
    // A large value that is arriving.
    struct Arriving {
        std::string key;
        WireRecord head;  // without views
        std::uint64_t total = 0;
        std::uint64_t received = 0;
        storage::ValueReservation memory;  // from the store's own limit; empty: there was none
    };

    bool apply_batch(const Frame& frame, const storage::Now& now);
    void apply_group(const storage::Now& now);
    void apply_record(storage::Shard& shard, const Group::Member& member, const storage::Now& now);
    storage::Record item_of(const storage::Key& key, const WireRecord& record) const noexcept;
    void count(storage::ApplyOutcome outcome) noexcept;

    bool apply_segment(const Frame& frame, const storage::Now& now);
    bool begin_arriving(const Segment& segment, const storage::Now& now);
    void finish_arriving(const storage::Now& now) noexcept;

    bool apply_flush(const Frame& frame, const storage::Now& now) noexcept;
    bool apply_schedule(const Frame& frame, const storage::Now& now) noexcept;

    ExchangeContext& context_;
    ListReceiver lists_;
    ClockOffset offset_;
    std::uint64_t applied_ = 0;
    std::uint64_t acked_ = 0;
    std::uint32_t not_stored_ = 0;
    std::vector<std::uint64_t> wants_;
    std::vector<storage::BucketNumber> requests_;  // of lists
    std::optional<Arriving> arriving_;
    Group group_;
};

}  // namespace twincached::replication::pair
