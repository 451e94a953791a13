// What becomes of the donor's answer to a question for lists: what it gives is applied like any
// record, what it says was removed is dropped, what it lacks is logged as wanted and so goes to
// all, and what this node knows better is told to all. Owned by the comparison, on the replication
// thread.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/record_applier.hpp"
#include "replication/records/data_frames.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace twincached::replication::nats {

class AnswerTaker final : private RecordApplier::Refusals {
  public:
    AnswerTaker(ClusterContext& context, RecordApplier& applier) noexcept
        : context_(context), applier_(applier) {}

    // Another question is asked; in another window, too.
    void begin_question() noexcept;
    void begin_window() noexcept { refused_.clear(); }
    // What is here of the bucket, and what was refused of it, as a frame of half of `limit` bytes
    // at most.
    void write_bucket(lib::ByteBuffer& out, storage::BucketNumber bucket, std::size_t limit);
    // One of LIST, ACK, BATCH, SEG. False: it makes no sense.
    bool take(const Frame& frame);
    // Something, of what was asked last.
    bool has_been_given() const noexcept { return is_given_; }

  private:
    void refused(storage::Shard& shard, unsigned shard_number, const storage::Key& key,
                 storage::Version version) override;
    void take_drops(const ListReader& list);
    bool take_floors(const Frame& frame);
    void take_wants(const AckReader& wants);

    ClusterContext& context_;
    RecordApplier& applier_;
    std::optional<ArrivingValue> arriving_;
    bool is_given_ = false;
    std::vector<BucketItem> refused_;  // of this window, as the donor holds them
    std::vector<BucketItem> items_;
};

}  // namespace twincached::replication::nats
