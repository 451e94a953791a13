#include "replication/nats/walk/comparison.hpp"

#include "replication/records/data_frames.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::nats {
namespace {

// Fewer dirty buckets in a row are listed at once: digests pay for a run only.
constexpr std::size_t digests_least = 64;
constexpr std::size_t lists_most = 512;  // in one question
constexpr std::size_t question_bytes = 64U << 10;
constexpr std::uint64_t wanted_bytes_most = 8U << 20;  // that the log has still to tell
constexpr std::size_t refused_most = 65'536;
constexpr std::uint64_t behind_pause_ms = 50;
constexpr std::uint64_t busy_pause_ms = 20;

std::size_t cost_of(const storage::ItemView& item) noexcept {
    return record_header_size + item.key.size() + item.value.size();
}

// So many in a row that their digests pay.
bool is_run(const std::vector<storage::BucketNumber>& buckets) noexcept {
    return buckets.size() >= digests_least &&
           buckets.back() - buckets.front() + std::size_t{1} == buckets.size();
}

}  // namespace

// --- asking ------------------------------------------------------------------------------------

void Comparison::ask(std::string_view subject, Topic topic, std::string_view frames) {
    Question question;
    question.topic = topic;
    question.hash_check = context_.hash_check;
    question.stream_count = context_.stream_count();
    for (unsigned i = 0; i < question.stream_count; ++i) {
        // Whoever does not know where it is in the log takes what it is given.
        const auto& place = context_.places[i];
        const auto said = i == own_stream ? context_.published : 0;
        question.streams[i] = {tag_of(context_.options.streams[i]), place.epoch,
                               place.is_known ? std::max(place.consumed, said) : 0};
    }
    question.frames = frames;
    lib::ByteBuffer out;
    write_question(out, question);
    parts_ = 0;
    resume_ms_ = context_.now.steady_ms +
                 static_cast<std::uint64_t>(context_.options.answer_timeout.count());
    broker_.ask(++token_, subject, out.readable());
}

std::string Comparison::donors_subject() const {
    return "node." + std::to_string(donor_);
}

void Comparison::seek() {
    phase_ = Phase::seeking;
    is_lonely_ = false;
    state_ = {};
    ask("donor", Topic::state, {});
}

void Comparison::pause(std::uint64_t ms) noexcept {
    phase_ = Phase::pausing;
    resume_ms_ = context_.now.steady_ms + ms;
}

void Comparison::go_on() {
    cursor_ = 0;
    next();
}

void Comparison::give_up() {
    abandon(std::exchange(by_digest_, {}));
    abandon(std::exchange(by_list_, {}));
    abandon(std::exchange(asked_, {}));
    arriving_.reset();
}

void Comparison::stop() {
    give_up();
    phase_ = Phase::idle;
}

void Comparison::disconnect() {
    stop();
    sender_.forget_buckets();
    is_lonely_ = false;
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        context_.with_shard(i, [&](storage::Shard&) {
            auto& buckets = context_.tracking(i).buckets;
            if (buckets.walking_count() == 0) return;
            for (std::size_t b = buckets.first(); b <= buckets.last(); ++b)
                buckets.abandon_walk(static_cast<storage::BucketNumber>(b));
            context_.sink.changes().refresh(i);
        });
    }
}

// --- windows -----------------------------------------------------------------------------------

void Comparison::next() {
    if (context_.sum(&ShardTracking::wanted_bytes) > wanted_bytes_most) return pause(busy_pause_ms);
    if (!by_digest_.empty()) return ask_digests();
    if (!by_list_.empty()) return ask_lists();
    refused_.clear();
    if (!gather_window()) {
        phase_ = Phase::idle;
        return;
    }
    if (!by_digest_.empty()) return ask_digests();
    ask_lists();
}

// Of the shard at the cursor. False: it is enough.
bool Comparison::gather(std::vector<storage::BucketNumber>& dirty) {
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
bool Comparison::gather_window() {
    std::vector<storage::BucketNumber> dirty;
    for (unsigned round = 0; round < 2 && dirty.empty(); ++round) {
        if (round == 1) cursor_ = 0;
        while (cursor_ < storage::bucket_count && gather(dirty)) {
        }
    }
    if (dirty.empty()) return false;
    (is_run(dirty) ? by_digest_ : by_list_) = dirty;
    begin_walks(dirty);
    return true;
}

// Rule R8: what changes from here on is logged, and need not be compared.
void Comparison::begin_walks(const std::vector<storage::BucketNumber>& buckets) {
    ++walks_;
    each_shard(buckets, [&](unsigned, ShardTracking& tracking, storage::BucketNumber bucket) {
        tracking.buckets.abandon_walk(bucket);
        tracking.buckets.mark_dirty(bucket);
        tracking.buckets.begin_walk(bucket, walks_);
    });
}

// visit(shard, tracking, bucket) for each, with one hold of the lock for neighbours.
template <class Visit>
void Comparison::each_shard(const std::vector<storage::BucketNumber>& buckets, Visit visit) {
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

void Comparison::ask_digests() {
    std::vector<BucketDigest> digests;
    digests.reserve(by_digest_.size());
    each_shard(by_digest_, [&](unsigned, ShardTracking& tracking, storage::BucketNumber bucket) {
        digests.push_back({0, tracking.buckets.digest(bucket)});
    });
    lib::ByteBuffer frames;
    write_digests(frames, {FrameType::digest, 1, by_digest_.front()}, digests);
    asked_ = std::exchange(by_digest_, {});
    phase_ = Phase::digests;
    ask(donors_subject(), Topic::digests, frames.readable());
}

void Comparison::ask_lists() {
    lib::ByteBuffer frames;
    const auto most = std::min(question_bytes, limit_ / 2);
    while (!by_list_.empty() && asked_.size() < lists_most && frames.size() < most) {
        asked_.push_back(by_list_.back());
        by_list_.pop_back();
        write_bucket(frames, asked_.back());
    }
    phase_ = Phase::lists;
    arriving_.reset();
    is_given_ = false;
    ask(donors_subject(), Topic::lists, frames.readable());
}

std::size_t Comparison::write_bucket(lib::ByteBuffer& out, storage::BucketNumber bucket) {
    const auto number = context_.store->shard_of_bucket(bucket);
    const auto items_most = (limit_ / 2 - frame_header_size - list_header_size) / list_item_size;
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
    return items_.size();
}

// --- answers -----------------------------------------------------------------------------------

void Comparison::answered(Token token, std::string_view payload) {
    if (token != token_ || phase_ == Phase::idle || phase_ == Phase::pausing) return;
    if (phase_ == Phase::met) return;
    const auto answer = read_answer(payload);
    if (!answer || answer->part != parts_) return not_answered(token);
    ++parts_;
    resume_ms_ = context_.now.steady_ms +
                 static_cast<std::uint64_t>(context_.options.answer_timeout.count());
    if (answer->verdict == Verdict::behind) {
        // The same is asked again, of what is here by then.
        auto& todo = phase_ == Phase::digests ? by_digest_ : by_list_;
        todo.insert(todo.end(), asked_.begin(), asked_.end());
        asked_.clear();
        return pause(behind_pause_ms);
    }
    if (answer->verdict != Verdict::given) return not_answered(token);
    switch (phase_) {
        case Phase::seeking:
            return on_state(*answer);
        case Phase::digests:
            return on_digests(*answer);
        case Phase::lists:
            return on_lists(*answer);
        case Phase::idle:
        case Phase::met:
        case Phase::pausing:
            return;
    }
}

// Whoever does not answer is asked no more: another may be found.
void Comparison::not_answered(Token token) {
    if (token != token_ || phase_ == Phase::idle || phase_ == Phase::pausing) return;
    if (phase_ == Phase::seeking) is_lonely_ = true;
    stop();
}

void Comparison::on_time() {
    if (phase_ == Phase::idle || phase_ == Phase::met) return;
    if (context_.now.steady_ms < resume_ms_) return;
    if (phase_ != Phase::pausing) return not_answered(token_);
    if (state_.streams.empty()) return seek();
    next();
}

void Comparison::on_state(const Answer& answer) {
    if (answer.topic != Topic::state || !read_section(answer.body, state_))
        return not_answered(token_);
    if (!answer.is_last) return;
    if (state_.streams.empty()) return not_answered(token_);
    donor_ = answer.node;
    phase_ = Phase::met;
}

void Comparison::on_digests(const Answer& answer) {
    const auto read = read_frame(answer.body);
    const BucketRequestReader differing(read.frame.payload);
    if (read.status != FrameStatus::complete || read.frame.type != FrameType::digest ||
        !differing.valid())
        return not_answered(token_);
    for (std::size_t i = 0; i < differing.size(); ++i) {
        const auto found = std::find(asked_.begin(), asked_.end(), differing[i]);
        if (found == asked_.end()) continue;
        by_list_.push_back(*found);
        *found = asked_.back();
        asked_.pop_back();
    }
    finish(std::exchange(asked_, {}));
    next();
}

void Comparison::on_lists(const Answer& answer) {
    auto bytes = answer.body;
    while (!bytes.empty()) {
        const auto read = read_frame(bytes);
        if (read.status != FrameStatus::complete || !take_frame(read.frame))
            return not_answered(token_);
        bytes.remove_prefix(read.size);
    }
    if (!answer.is_last) return;
    const bool has_moved = !asked_.empty() || std::exchange(is_given_, false);
    finish(std::exchange(asked_, {}));
    // The donor has yet to tell what would answer the question.
    if (!has_moved) return pause(busy_pause_ms);
    next();
}

bool Comparison::take_frame(const Frame& frame) {
    switch (frame.type) {
        case FrameType::list: {
            const ListReader list(frame.payload);
            if (!list.valid() || !context_.admits(list.floor())) return false;
            take_drops(list);
            return true;
        }
        case FrameType::ack: {
            const AckReader wants(frame.payload);
            if (!wants.valid()) return false;
            take_wants(wants);
            return true;
        }
        case FrameType::digest: {
            const BucketRequestReader unfinished(frame.payload);
            if (!unfinished.valid()) return false;
            for (std::size_t i = 0; i < unfinished.size(); ++i) {
                const auto found = std::find(asked_.begin(), asked_.end(), unfinished[i]);
                if (found == asked_.end()) continue;
                by_list_.push_back(*found);
                *found = asked_.back();
                asked_.pop_back();
            }
            return true;
        }
        case FrameType::batch:
        case FrameType::segment: {
            is_given_ = true;
            const auto before = applier_.records();
            const bool is_sane = applier_.apply(frame, context_.end_of_log(), arriving_, this);
            context_.counters.add(ClusterCounter::fetched_items, applier_.records() - before);
            return is_sane;
        }
        default:
            return false;
    }
}

// Only what is still as it was when the question was asked, and is no news of this node's own.
void Comparison::take_drops(const ListReader& list) {
    const auto number = context_.store->shard_of_bucket(list.bucket());
    context_.with_shard(number, [&](storage::Shard& shard) {
        std::string key;
        for (std::size_t i = 0; i < list.size(); ++i) {
            const auto item = list[i];
            if (context_.store->shard_of(item.hash) != number) continue;
            key.clear();
            lib::MemoryGuard guard;
            const auto visit = guard.over([&](const storage::ItemView& held) {
                if (held.version != item.version) return;
                if (!context_.is_to_be_told(number, held)) key = held.key;
            });
            shard.peek_hash(item.hash, context_.now, visit);
            guard.finish();
            if (!key.empty()) shard.drop_in_doubt({key, item.hash}, context_.now);
        }
        context_.sink.removals(number).raise_ever(list.bucket(), list.floor());
        context_.sink.changes().refresh(number);
    });
}

void Comparison::take_wants(const AckReader& wants) {
    for (std::size_t i = 0; i < wants.size();) {
        const auto number = context_.store->shard_of(wants[i]);
        auto& tracking = context_.tracking(number);
        const auto end = std::min(wants.size(), i + entries_per_hold);
        context_.with_shard(number, [&](storage::Shard& shard) {
            for (; i < end && context_.store->shard_of(wants[i]) == number; ++i) {
                shard.peek_hash(wants[i], context_.now, [&](const storage::ItemView& item) {
                    if (item.version == 0) return;
                    tracking.want({item.key, item.hash}, item.version, cost_of(item));
                });
            }
            context_.sink.changes().refresh(number);
        });
    }
}

// What the donor has, and this node knows better: others must hear of it, for they may have what
// the donor has.
void Comparison::refused(storage::Shard& shard, unsigned shard_number, const storage::Key& key,
                         storage::Version version) {
    auto& tracking = context_.tracking(shard_number);
    storage::Version held = 0;
    shard.peek(key, context_.now, [&](const storage::ItemView& item) {
        held = item.version;
        if (held > version) tracking.want(key, held, cost_of(item));
    });
    if (held == 0) {
        if (refused_.size() < refused_most) refused_.push_back({key.hash, version});
        const auto& removals = context_.sink.removals(shard_number);
        const auto removed =
            std::max(removals.exact(key.hash), removals.folded_in(storage::bucket_of(key.hash)));
        if (removed > version && !tracking.log.find(key)) tracking.tell_removal(key, removed);
        context_.sink.note_untold_removal(shard_number, storage::bucket_of(key.hash));
    }
    context_.sink.changes().refresh(shard_number);
}

// Removals of which only a floor is left are told by a list, for all to drop what they may concern.
void Comparison::finish(const std::vector<storage::BucketNumber>& buckets) {
    each_shard(buckets, [&](unsigned, ShardTracking& tracking, storage::BucketNumber bucket) {
        if (!tracking.buckets.is_walking(bucket)) return;
        if (tracking.buckets.floor(bucket) != 0) return sender_.tell_bucket(bucket);
        tracking.buckets.end_walk(bucket);
    });
}

void Comparison::abandon(const std::vector<storage::BucketNumber>& buckets) {
    each_shard(buckets, [&](unsigned, ShardTracking& tracking, storage::BucketNumber bucket) {
        tracking.buckets.abandon_walk(bucket);
    });
}

}  // namespace twincached::replication::nats
