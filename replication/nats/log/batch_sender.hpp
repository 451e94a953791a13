// What this node says in the log: frames of its change logs, its flushes, and lists of buckets of
// which it could not tell every removal. One message is on its way at a time; while it is, changes
// gather for the next. Values are read when a message is made (rule R3), under the shard's lock.
//
//     make() -> [on its way] -> on_told(sequence): entries leave the change log, and removals are
//                               kept with their place in the log
//                            -> on_lost(): all of it is unsent again (rule R11), and is made anew
//
// A large value takes several messages, and goes out before anything else; until it has, this node
// says that it has come no further than where it was when it read the value.
// Owned by the engine, on the replication thread.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/changes/buckets.hpp"
#include "replication/changes/change_log.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/records/data_frames.hpp"
#include "replication/records/item_records.hpp"
#include "replication/records/large_value.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::nats {

class BatchSender {
  public:
    explicit BatchSender(ClusterContext& context) noexcept : context_(context) {}

    // Of a message, with its header. REQUIRES: no less than `message_least_bytes`.
    void set_limit(std::size_t bytes) noexcept;

    // Cheap, no lock.
    bool has_work() const noexcept {
        return large_.has_value() || !lists_.empty() || context_.has_unsent() || may_tell_removed();
    }
    // How far this node had come when it read what it says next.
    Sequence came_to(StreamId stream) const noexcept;
    // Appends frames, as many as fit into a message. False: there was nothing to say, and nothing
    // is on its way. REQUIRES: nothing is on its way.
    bool make(lib::ByteBuffer& out);

    bool is_on_its_way() const noexcept { return is_on_its_way_; }
    // The same, or a large value is told in part.
    bool has_begun() const noexcept { return is_on_its_way_ || large_.has_value(); }
    void on_told(Sequence sequence);
    void on_lost();

    // The list of a bucket is to be told, behind all that has been logged of it; its walk has
    // begun, and ends when it is published. REQUIRES: the shard's lock.
    void tell_bucket(storage::BucketNumber bucket);
    // The same of one that nobody is there to compare with; its walk begins.
    void tell_uncompared(Buckets& buckets, storage::BucketNumber bucket);
    // Walks are begun anew by whoever began them.
    void forget_buckets() noexcept { lists_.clear(); }

  private:
    struct Large {
        Large(storage::Store& store, const storage::ItemView& item, const WireRecord& record)
            : value(store, item, record) {}

        unsigned shard = 0;
        ChangeLog::Position position = 0;  // behind its entry
        LargeValue value;
        std::array<Sequence, streams_limit> came_to{};
    };
    struct SentPart {
        unsigned shard;
        ChangeLog::Position position;
    };
    struct SentRemoval {
        unsigned shard;
        std::uint64_t hash;
        storage::Version version;
    };
    struct WaitingList {
        storage::BucketNumber bucket;
        ChangeLog::Position behind;
    };
    struct SentList {
        WaitingList told;
        storage::Version floor;
    };
    struct SentFlush {
        std::uint64_t count;
        storage::Version version;
    };
    struct Pass;
    enum class Sent : std::uint8_t { added, needless, no_room };

    std::size_t room(const lib::ByteBuffer& out) const noexcept;
    void make_flushes(lib::ByteBuffer& out);
    bool may_tell_removed() const noexcept;
    void make_removed(lib::ByteBuffer& out);
    void take_doubt(unsigned shard, storage::BucketNumber bucket);
    void make_lists(lib::ByteBuffer& out);
    bool make_list(lib::ByteBuffer& out, const WaitingList& waiting);
    bool make_batch(lib::ByteBuffer& out);
    void add_some(Pass& pass, storage::Shard& shard);
    Sent add_entry(Pass& pass, storage::Shard& shard, const ChangeLog::Found& found);
    bool is_of_another_site(const storage::ItemView& item) const noexcept;
    Sent add_item(Pass& pass, const storage::ItemView& item, const ChangeLog::Entry& entry);
    Sent add_removal(Pass& pass, const ChangeLog::Entry& entry);
    void begin_large(const storage::ItemView& item, const WireRecord& record);
    void make_segments(lib::ByteBuffer& out);

    ClusterContext& context_;
    std::size_t limit_ = 256U << 10;
    std::size_t value_limit_ = 64U << 10;  // larger ones go in pieces
    std::size_t end_size_ = 0;             // of the buffer that is being filled
    std::uint64_t frames_ = 0;             // of the message that is being made
    unsigned next_shard_ = 0;
    std::optional<Large> large_;
    std::deque<WaitingList> lists_;
    std::vector<BucketItem> items_;

    // What is on its way.
    bool is_on_its_way_ = false;
    std::vector<SentPart> parts_;
    std::vector<SentRemoval> removals_;
    std::vector<SentList> sent_lists_;
    std::optional<SentFlush> flush_;
    bool schedule_ = false;
};

}  // namespace twincached::replication::nats
