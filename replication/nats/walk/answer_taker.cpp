#include "replication/nats/walk/answer_taker.hpp"

#include "replication/nats/log/items_in_doubt.hpp"

#include <algorithm>
#include <string>

namespace twincached::replication::nats {
namespace {

constexpr std::size_t refused_most = 65'536;

class TakingFromDonor {
  public:
    explicit TakingFromDonor(ClusterSink& sink) noexcept : sink_(sink) {
        sink_.set_taking_from_donor(true);
    }
    TakingFromDonor(const TakingFromDonor&) = delete;
    TakingFromDonor& operator=(const TakingFromDonor&) = delete;
    ~TakingFromDonor() { sink_.set_taking_from_donor(false); }

  private:
    ClusterSink& sink_;
};

}  // namespace

void AnswerTaker::begin_question() noexcept {
    arriving_.reset();
    is_given_ = false;
}

void AnswerTaker::write_bucket(lib::ByteBuffer& out, storage::BucketNumber bucket,
                               std::size_t limit) {
    const auto number = context_.store->shard_of_bucket(bucket);
    const auto items_most = (limit / 2 - frame_header_size - list_header_size) / list_item_size;
    items_.clear();
    context_.with_shard(number, [&](storage::Shard& shard) {
        lib::MemoryGuard guard;
        const auto visit = guard.over([&](const storage::ItemView& item) {
            if (item.version != 0 && items_.size() < items_most)
                items_.push_back({item.hash, item.version});
        });
        shard.visit_bucket(bucket, context_.now, visit);
        guard.finish();
    });
    // What was refused must not be given again and again, where a bucket takes several answers.
    for (const auto& item : refused_)
        if (storage::bucket_of(item.hash) == bucket && items_.size() < items_most)
            items_.push_back(item);
    write_list(out, {FrameType::list, 1, bucket, 0}, items_);
}

bool AnswerTaker::take(const Frame& frame) {
    switch (frame.type) {
        case FrameType::list: {
            const ListReader list(frame.payload);
            if (!list.valid() || !context_.admits(list.floor())) return false;
            take_drops(list);
            return true;
        }
        case FrameType::digest:
            return take_floors(frame);
        case FrameType::ack: {
            const AckReader wants(frame.payload);
            if (!wants.valid()) return false;
            take_wants(wants);
            return true;
        }
        case FrameType::batch:
        case FrameType::segment: {
            is_given_ = true;
            const auto before = applier_.records();
            const TakingFromDonor taking(context_.sink);
            const bool is_sane = applier_.apply(frame, context_.end_of_log(), arriving_, this);
            context_.counters.add(ClusterCounter::fetched_items, applier_.records() - before);
            return is_sane;
        }
        default:
            return false;
    }
}

// Only what is still the write that it was when the question was asked, touched since or not, and
// is no news of this node's own.
void AnswerTaker::take_drops(const ListReader& list) {
    const auto number = context_.store->shard_of_bucket(list.bucket());
    context_.with_shard(number, [&](storage::Shard& shard) {
        std::string key;
        storage::Version version = 0;
        for (std::size_t i = 0; i < list.size(); ++i) {
            const auto item = list[i];
            if (context_.store->shard_of(item.hash) != number) continue;
            key.clear();
            lib::MemoryGuard guard;
            const auto visit = guard.over([&](const storage::ItemView& held) {
                if (storage::write_of(held.version) != storage::write_of(item.version)) return;
                const auto found = context_.tracking(number).log.find({held.key, held.hash});
                const bool is_touch = found && found.entry->touch_only;
                if (!is_touch && context_.is_to_be_told(number, held)) return;
                key = held.key;
                version = held.version;
            });
            shard.peek_hash(item.hash, context_.now, visit);
            guard.finish();
            if (!key.empty()) drop_item_in_doubt(context_, shard, {key, item.hash}, version);
        }
        context_.sink.removals(number).raise_ever(list.bucket(), list.floor());
        context_.sink.changes().refresh(number);
    });
}

// What the donor let go is as good as let go here: older changes of it are no news.
bool AnswerTaker::take_floors(const Frame& frame) {
    DigestReader floors(frame.payload);
    if (!floors.valid()) return false;
    for (std::size_t i = 0; i < floors.size();) {
        const auto first = static_cast<storage::BucketNumber>(floors.first() + i);
        const auto number = context_.store->shard_of_bucket(first);
        const auto last = context_.tracking(number).buckets.last();
        bool is_sane = true;
        context_.with_shard(number, [&](storage::Shard&) {
            for (; i < floors.size() && floors.first() + i <= last; ++i) {
                const auto floor = floors.next().floor;
                is_sane &= context_.admits(floor);
                if (!is_sane) return;
                if (floor == 0) continue;
                context_.sink.removals(number).raise_floor(
                    static_cast<storage::BucketNumber>(floors.first() + i), floor);
            }
        });
        if (!is_sane) return false;
    }
    return true;
}

void AnswerTaker::take_wants(const AckReader& wants) {
    for (std::size_t i = 0; i < wants.size();) {
        const auto number = context_.store->shard_of(wants[i]);
        auto& tracking = context_.tracking(number);
        const auto end = std::min(wants.size(), i + entries_per_hold);
        context_.with_shard(number, [&](storage::Shard& shard) {
            for (; i < end && context_.store->shard_of(wants[i]) == number; ++i) {
                shard.peek_hash(wants[i], context_.now, [&](const storage::ItemView& item) {
                    if (item.version == 0) return;
                    tracking.want({item.key, item.hash}, item.version, item_cost(item));
                });
            }
            context_.sink.changes().refresh(number);
        });
    }
}

// What the donor has, and this node knows better: others must hear of it, for they may have what
// the donor has.
void AnswerTaker::refused(storage::Shard& shard, unsigned shard_number, const storage::Key& key,
                          storage::Version version) {
    auto& tracking = context_.tracking(shard_number);
    storage::Version held = 0;
    shard.peek(key, context_.now, [&](const storage::ItemView& item) {
        held = item.version;
        if (held > version) tracking.want(key, held, item_cost(item));
    });
    if (held == 0) {
        if (refused_.size() < refused_most) refused_.push_back({key.hash, version});
        const auto bucket = storage::bucket_of(key.hash);
        const auto& removals = context_.sink.removals(shard_number);
        context_.tell_newer_removal(shard_number, key, version);
        context_.sink.note_untold_removal(shard_number, bucket);
        const bool may_be_another = removals.removed_meanwhile(bucket) >= version;
        if (removals.exact(key.hash) < version && may_be_another &&
            tracking.buckets.is_walking(bucket))
            tracking.buckets.mark_dirty(bucket);
    }
    context_.sink.changes().refresh(shard_number);
}

}  // namespace twincached::replication::nats
