#include "replication/nats/walk/bucket_window.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::nats {
namespace {

// Fewer dirty buckets in a row are listed at once: digests pay for a run only.
constexpr std::size_t digests_least = 64;

// So many in a row that their digests pay.
bool is_run(const std::vector<storage::BucketNumber>& buckets) noexcept {
    return buckets.size() >= digests_least &&
           buckets.back() - buckets.front() + std::size_t{1} == buckets.size();
}

}  // namespace

// Of the shard at the cursor. False: it is enough.
bool BucketWindow::gather_shard(std::vector<storage::BucketNumber>& dirty) {
    const auto number =
        context_.store->shard_of_bucket(static_cast<storage::BucketNumber>(cursor_));
    bool is_enough = false;
    context_.with_shard(number, [&](storage::Shard&) {
        const auto& buckets = context_.tracking(number).buckets;
        while (!is_enough && cursor_ <= buckets.last()) {
            const auto found = buckets.next_to_walk(static_cast<storage::BucketNumber>(cursor_));
            if (!found) {
                cursor_ = std::size_t{buckets.last()} + 1;
                break;
            }
            const bool goes_on = dirty.empty() || *found == dirty.back() + 1U;
            is_enough = dirty.size() == digests_limit || (!goes_on && is_run(dirty)) ||
                        (dirty.size() >= lists_most && !is_run(dirty));
            if (is_enough) break;
            dirty.push_back(*found);
            cursor_ = std::size_t{*found} + 1;
        }
    });
    return !is_enough;
}

// A run of dirty buckets, or some that are scattered. False: none is dirty.
bool BucketWindow::gather() {
    std::vector<storage::BucketNumber> dirty;
    for (unsigned round = 0; round < 2 && dirty.empty(); ++round) {
        if (round == 1) cursor_ = 0;
        while (cursor_ < storage::bucket_count && gather_shard(dirty)) {
        }
    }
    if (dirty.empty()) return false;
    (is_run(dirty) ? by_digest_ : by_list_) = dirty;
    begin_walks(dirty);
    return true;
}

// Rule R8: what changes from here on is logged, and need not be compared.
void BucketWindow::begin_walks(const std::vector<storage::BucketNumber>& buckets) {
    ++walks_;
    each_shard(buckets, [&](unsigned number, ShardTracking& tracking, auto bucket) {
        context_.sink.removals(number).begin_comparing(bucket);
        tracking.buckets.abandon_walk(bucket);
        tracking.buckets.mark_dirty(bucket);
        tracking.buckets.begin_walk(bucket, walks_);
    });
}

// visit(shard, tracking, bucket) for each, with one hold of the lock for neighbours.
template <class Visit>
void BucketWindow::each_shard(const std::vector<storage::BucketNumber>& buckets, Visit visit) {
    for (std::size_t i = 0; i < buckets.size();) {
        const auto number = context_.store->shard_of_bucket(buckets[i]);
        auto& tracking = context_.tracking(number);
        const auto end = std::min(buckets.size(), i + entries_per_hold);
        context_.with_shard(number, [&](storage::Shard&) {
            for (; i < end && context_.store->shard_of_bucket(buckets[i]) == number; ++i)
                visit(number, tracking, buckets[i]);
            context_.sink.changes().refresh(number);
        });
    }
}

std::vector<BucketDigest> BucketWindow::ask_digests(storage::BucketNumber& first) {
    std::vector<BucketDigest> digests;
    digests.reserve(by_digest_.size());
    each_shard(by_digest_, [&](unsigned, ShardTracking& tracking, storage::BucketNumber bucket) {
        digests.push_back({0, tracking.buckets.digest(bucket)});
    });
    first = by_digest_.front();
    asked_ = std::exchange(by_digest_, {});
    return digests;
}

storage::BucketNumber BucketWindow::ask_list() {
    asked_.push_back(by_list_.back());
    by_list_.pop_back();
    return asked_.back();
}

void BucketWindow::ask_again(bool by_digest) {
    auto& todo = by_digest ? by_digest_ : by_list_;
    todo.insert(todo.end(), asked_.begin(), asked_.end());
    asked_.clear();
}

void BucketWindow::needs_list(storage::BucketNumber bucket) {
    const auto found = std::find(asked_.begin(), asked_.end(), bucket);
    if (found == asked_.end()) return;
    by_list_.push_back(bucket);
    *found = asked_.back();
    asked_.pop_back();
}

void BucketWindow::finish() {
    each_shard(std::exchange(asked_, {}),
               [&](unsigned number, ShardTracking& tracking, storage::BucketNumber bucket) {
                   if (!tracking.buckets.is_walking(bucket)) return;
                   context_.sink.removals(number).end_comparing(bucket);
                   if (tracking.buckets.floor(bucket) != 0) return sender_.tell_bucket(bucket);
                   tracking.buckets.end_walk(bucket);
               });
}

void BucketWindow::abandon() {
    for (auto* buckets : {&by_digest_, &by_list_, &asked_}) {
        each_shard(std::exchange(*buckets, {}),
                   [&](unsigned, ShardTracking& tracking, storage::BucketNumber bucket) {
                       tracking.buckets.abandon_walk(bucket);
                   });
    }
}

}  // namespace twincached::replication::nats
