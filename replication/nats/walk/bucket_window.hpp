// Which buckets a comparison is about: a run of dirty ones, or some that are scattered, as many as
// one question may name. Each is compared by its digest or by its list; those of the question that
// is open are `asked`, and are done, need their lists, or are asked for again. Owned by the
// comparison, on the replication thread.
#pragma once

#include "replication/nats/log/batch_sender.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/records/data_frames.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace twincached::replication::nats {

class BucketWindow {
  public:
    BucketWindow(ClusterContext& context, BatchSender& sender) noexcept
        : context_(context), sender_(sender) {}

    // The next window is looked for from the first bucket on.
    void rewind() noexcept { cursor_ = 0; }
    // Makes a window, and begins the walks of its buckets. False: none is dirty. REQUIRES: empty.
    bool gather();
    bool has_digests() const noexcept { return !by_digest_.empty(); }
    bool has_lists() const noexcept { return !by_list_.empty(); }

    // The digests, from `first` on, of those that are asked for now. REQUIRES: has_digests().
    std::vector<BucketDigest> ask_digests(storage::BucketNumber& first);
    // One more whose list is asked for now. REQUIRES: has_lists().
    storage::BucketNumber ask_list();
    static constexpr std::size_t lists_most = 512;  // in one question
    std::size_t asked() const noexcept { return asked_.size(); }

    // What is asked is asked again, as it was.
    void ask_again(bool by_digest);
    // Of what is asked: its list is needed.
    void needs_list(storage::BucketNumber bucket);
    // What is asked is compared. Removals of which only a floor is left are told by a list, for all
    // to drop what they may concern.
    void finish();
    // All is dirty again.
    void abandon();

  private:
    bool gather_shard(std::vector<storage::BucketNumber>& dirty);
    void begin_walks(const std::vector<storage::BucketNumber>& buckets);
    template <class Visit>
    void each_shard(const std::vector<storage::BucketNumber>& buckets, Visit visit);

    ClusterContext& context_;
    BatchSender& sender_;
    std::uint64_t walks_ = 0;
    std::size_t cursor_ = 0;
    std::vector<storage::BucketNumber> by_digest_;
    std::vector<storage::BucketNumber> by_list_;
    std::vector<storage::BucketNumber> asked_;
};

}  // namespace twincached::replication::nats
