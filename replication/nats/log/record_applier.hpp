// Brings what other nodes have changed into the store: frames of the log, and what a node answers
// that is asked for its items. The higher version wins (rule R4); what is known of a key beside its
// item is the sink's, and whatever is taken away here without leaving an item is noted there with
// its place in the log. Owned by the engine, on the replication thread.
#pragma once

#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/removals/kept_removals.hpp"
#include "replication/records/data_frames.hpp"
#include "replication/records/frame.hpp"
#include "replication/records/item_records.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

// A large value that arrives in pieces, from one node.
struct ArrivingValue {
    std::string key;
    WireRecord head;  // without views
    std::uint64_t total = 0;
    std::uint64_t received = 0;
    LogPlace began;                    // where its first piece stands
    Member speaker;                    // as it was known before that
    storage::ValueReservation memory;  // of a large one; empty: there was none
    std::string small;                 // what the store keeps with others
    bool is_refused = false;           // it cannot be kept
};

class RecordApplier {
  public:
    // What was told was older than what is known here.
    class Refusals {
      public:
        virtual ~Refusals() = default;
        // REQUIRES of the caller: the shard's lock.
        virtual void refused(storage::Shard& shard, unsigned shard_number, const storage::Key& key,
                             storage::Version version) = 0;
    };

    explicit RecordApplier(ClusterContext& context) noexcept : context_(context) {}

    // Of a frame of one of the types BATCH, SEG, LIST, FLUSH, SCHED. False: it makes no sense, and
    // no more of its message is to be believed. `refusals`: null if nobody asks.
    bool apply(const Frame& frame, LogPlace place, std::optional<ArrivingValue>& arriving,
               Refusals* refusals = nullptr);
    // Who spoke before the first piece; to be set before apply().
    void set_speaker(const Member& member) noexcept { speaker_ = member; }

    std::uint64_t records() const noexcept { return records_; }  // since the start

  private:
    struct Group {
        static constexpr std::size_t records_limit = 64;
        static constexpr std::size_t bytes_limit = 256U << 10;
        struct Entry {
            storage::Key key;
            WireRecord record;
        };
        std::array<Entry, records_limit> entries;
        std::size_t count = 0;
        std::size_t bytes = 0;
        unsigned shard = 0;
    };

    bool apply_batch(std::string_view payload);
    void apply_group();
    void apply_one(storage::Shard& shard, unsigned number, const Group::Entry& entry);
    void touch_what_is_lacking(storage::Shard& shard, unsigned number, const Group::Entry& entry);
    void apply_large(const storage::Key& key, const WireRecord& record);
    void settle(storage::Shard& shard, unsigned number, const Group::Entry& entry,
                storage::ApplyOutcome outcome);
    void tell_newer_touch(storage::Shard& shard, unsigned number, const storage::Key& key,
                          storage::Version version);
    void compare_if_in_doubt(storage::Shard& shard, unsigned number, const storage::Key& key,
                             storage::Version version);
    void refuse_for_all(unsigned number, const storage::Key& key, storage::Version version);
    storage::Record item_of(const storage::Key& key, const WireRecord& record) const noexcept;
    bool apply_segment(std::string_view payload, std::optional<ArrivingValue>& arriving);
    std::optional<ArrivingValue> begin_arriving(const Segment& segment);
    void finish_arriving(ArrivingValue& arriving);
    bool apply_list(std::string_view payload);
    bool apply_removed(std::string_view payload);
    bool apply_flush(std::string_view payload);
    bool apply_schedule(std::string_view payload);

    ClusterContext& context_;
    Member speaker_;
    // Of the frame that is being applied.
    LogPlace place_;
    Refusals* refusals_ = nullptr;
    Group group_;
    std::uint64_t records_ = 0;
};

}  // namespace twincached::replication::nats
