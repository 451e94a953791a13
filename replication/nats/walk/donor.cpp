#include "replication/nats/walk/donor.hpp"

#include "replication/records/data_frames.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::nats {
namespace {

// Of an asker's patience: then a question that waits for this node to come further is told so.
constexpr std::uint64_t wait_share = 4;
constexpr std::size_t digest_size_limit = 17;
constexpr std::size_t frame_overhead = frame_header_size + 16 + record_overhead_limit;

constexpr bool by_hash(const BucketItem& one, const BucketItem& other) noexcept {
    return one.hash < other.hash;
}

Answer head_of(Topic topic) noexcept {
    Answer head;
    head.topic = topic;
    return head;
}

// visit(frame) for each; false: one of them makes no sense.
template <class Visit>
bool each_frame(std::string_view bytes, Visit visit) {
    while (!bytes.empty()) {
        const auto read = read_frame(bytes);
        if (read.status != FrameStatus::complete || !visit(read.frame)) return false;
        bytes.remove_prefix(read.size);
    }
    return true;
}

}  // namespace

// One bucket, as the asker holds it.
struct Donor::Listing {
    unsigned shard_number;
    storage::BucketNumber bucket;
    std::vector<BucketItem> theirs;  // by hash
    std::vector<bool> is_here;
    bool is_whole = true;
};

void Donor::answer(std::string_view payload, std::string_view to, bool in_step) {
    hear({std::string(payload), std::string(to),
          context_.now.steady_ms + ms_of(context_.options.answer_timeout) / wait_share},
         in_step);
}

void Donor::hear(const Waiting& waiting, bool in_step) {
    const auto question = read_question(waiting.payload);
    if (!question || question->hash_check != context_.hash_check) return;
    begin(question->topic, waiting.to);
    has_missed_nothing_ = question->has_missed_nothing;
    const bool is_left = question->left_era != 0 && question->left_era == context_.era;
    if (!in_step || is_left) return send(true, Verdict::not_in_step);
    if (!reads_the_same(*question)) return send(true, Verdict::reads_another_log);
    if (is_behind(*question)) {
        const bool waits =
            waiting_.size() < waiting_limit && context_.now.steady_ms < waiting.until_ms;
        if (!waits) return send(true, Verdict::behind);
        waiting_.push_back(waiting);
        return;
    }
    switch (question->topic) {
        case Topic::state:
            return give_state();
        case Topic::digests:
            return give_differing(question->frames);
        case Topic::lists:
            return give_lists(question->frames);
    }
}

void Donor::on_progress(bool in_step) {
    for (const auto& question : std::exchange(waiting_, {}))
        hear(question, in_step);
}

// This node's place in a stream of the asker's; null: it does not read it.
const StreamPlace* Donor::place_of(const StreamProgress& theirs) const noexcept {
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        if (theirs.tag == tag_of(context_.options.streams[i])) return &context_.places[i];
    return nullptr;
}

bool Donor::reads_the_same(const Question& question) const noexcept {
    for (unsigned i = 0; i < question.stream_count; ++i) {
        const auto* place = place_of(question.streams[i]);
        if (place == nullptr || !may_be_same_log(place->epoch, question.streams[i].created))
            return false;
    }
    return true;
}

bool Donor::is_behind(const Question& question) const noexcept {
    for (unsigned i = 0; i < question.stream_count; ++i) {
        const auto* place = place_of(question.streams[i]);
        if (place != nullptr && place->consumed < question.streams[i].consumed) return true;
    }
    return false;
}

// --- messages ----------------------------------------------------------------------------------

void Donor::begin(Topic topic, std::string_view to) {
    topic_ = topic;
    to_ = to;
    part_ = 0;
    given_bytes_ = 0;
    out_.clear();
    write_answer(out_, head_of(topic_));
}

// The head is written again, for only now is known whether more follows.
void Donor::send(bool is_last, Verdict verdict) {
    lib::ByteBuffer whole;
    auto head = head_of(topic_);
    head.verdict = verdict;
    head.is_last = is_last;
    head.node = static_cast<std::uint8_t>(context_.options.node);
    head.part = part_++;
    write_answer(whole, head);
    whole.append(out_.readable().substr(answer_head_size));
    broker_.reply(to_, whole.readable());
    out_.clear();
    write_answer(out_, head_of(topic_));
}

void Donor::make_room(std::size_t bytes) {
    if (out_.size() + bytes > limit_ && out_.size() > answer_head_size) send(false);
}

// --- what is known beside the items ------------------------------------------------------------

// Where a large value is arriving, the log is to be read again from its beginning: what else stands
// there is known as heard, and does no harm.
GivenState Donor::state() const {
    GivenState state;
    state.broker_now_ms = static_cast<std::int64_t>(context_.clock.now_ms(context_.now));
    state.era = context_.era;
    state.flush = context_.store->flush_version();
    const auto schedule = context_.store->flush_schedule();
    state.schedule_at_ms = context_.clock.there(schedule.at_steady_ms);
    state.schedule = schedule.version;
    state.version_time = context_.store->version_time();
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        const auto& place = context_.places[i];
        state.streams.push_back({tag_of(context_.options.streams[i]), place.epoch, place.consumed,
                                 context_.members.time_ms(i), context_.members.broker_ms(i)});
    }
    for (unsigned node = 0; node < nodes_limit; ++node) {
        auto member = context_.members[node];
        if (const auto& value = arriving_[node]) {
            member = value->speaker;
            auto& consumed = state.streams[value->began.stream].consumed;
            consumed = std::min(consumed, value->began.sequence - 1);
        }
        if (member.session != 0) state.members.push_back({node, member});
    }
    return state;
}

void Donor::give_state() {
    write_state(out_, state());
    send(false);
    std::vector<GivenRemoval> removals;
    std::vector<GivenFloor> floors;
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        context_.with_shard(i, [&](storage::Shard&) {
            const auto& kept = context_.sink.removals(i);
            lib::MemoryGuard guard;
            guard.run([&] {
                kept.visit([&](std::uint64_t hash, storage::Version version, LogPlace place) {
                    removals.push_back({hash, version, place});
                });
                kept.visit_floors([&](storage::BucketNumber bucket) {
                    floors.push_back({bucket, kept.floor(bucket), ever(kept, bucket)});
                });
            });
            guard.finish();
        });
    }
    const auto in_part = (limit_ - answer_head_size - 1) / given_removal_size;
    for (std::size_t i = 0; i < removals.size(); i += in_part) {
        write_removals(out_, removals.data() + i, std::min(in_part, removals.size() - i));
        send(false);
    }
    for (std::size_t i = 0; i < floors.size(); i += in_part) {
        write_floors(out_, floors.data() + i, std::min(in_part, floors.size() - i));
        send(false);
    }
    write_floors(out_, nullptr, 0);
    send(true);
}

storage::Version Donor::ever(const KeptRemovals& removals,
                             storage::BucketNumber bucket) const noexcept {
    return has_missed_nothing_ ? removals.ever(bucket) : removals.ever_heard(bucket);
}

// --- buckets -----------------------------------------------------------------------------------

void Donor::give_differing(std::string_view frames) {
    std::vector<storage::BucketNumber> differing;
    const bool is_sane = each_frame(frames, [&](const Frame& frame) {
        DigestReader digests(frame.payload);
        if (frame.type != FrameType::digest || !digests.valid()) return false;
        std::vector<BucketDigest> floors(digests.size());
        for (std::size_t i = 0; i < digests.size();) {
            const auto first = static_cast<storage::BucketNumber>(digests.first() + i);
            const auto number = context_.store->shard_of_bucket(first);
            const auto& buckets = context_.tracking(number).buckets;
            context_.with_shard(number, [&](storage::Shard&) {
                for (; i < digests.size() && digests.first() + i <= buckets.last(); ++i) {
                    const auto bucket = static_cast<storage::BucketNumber>(digests.first() + i);
                    floors[i].floor = context_.sink.removals(number).floor(bucket);
                    if (digests.next().digest != buckets.digest(bucket) ||
                        context_.sink.has_untold_removal(number, bucket))
                        differing.push_back(bucket);
                }
            });
        }
        give_floors(digests.first(), floors);
        return true;
    });
    if (!is_sane) return;
    make_room(frame_header_size + differing.size() * 2);
    write_bucket_requests(out_, FrameType::digest, differing);
    send(true);
}

// Who compares with this node takes older changes for news where this one has let go newer ones,
// unless it knows of that, too.
void Donor::give_floors(storage::BucketNumber first, std::span<const BucketDigest> floors) {
    if (std::all_of(floors.begin(), floors.end(), [](const auto& of) { return of.floor == 0; }))
        return;
    make_room(frame_overhead + floors.size() * digest_size_limit);
    write_digests(out_, {FrameType::digest, 1, first}, floors);
}

void Donor::give_lists(std::string_view frames) {
    std::vector<storage::BucketNumber> unfinished;
    const bool is_sane = each_frame(frames, [&](const Frame& frame) {
        const ListReader list(frame.payload);
        if (frame.type != FrameType::list || !list.valid()) return false;
        if (given_bytes_ >= answer_bytes || !give_list(list)) unfinished.push_back(list.bucket());
        return true;
    });
    if (!is_sane) return;
    if (!unfinished.empty()) {
        make_room(frame_header_size + unfinished.size() * 2);
        write_bucket_requests(out_, FrameType::digest, unfinished);
    }
    send(true);
}

// False: there is more than one answer may hold. The asker asks again, and has by then what was
// given now.
bool Donor::give_list(const ListReader& list) {
    Listing listing{context_.store->shard_of_bucket(list.bucket()), list.bucket(), {}, {}, true};
    for (std::size_t i = 0; i < list.size(); ++i)
        listing.theirs.push_back(list[i]);
    std::sort(listing.theirs.begin(), listing.theirs.end(), by_hash);
    listing.is_here.resize(listing.theirs.size());
    records_.clear();
    drop_.clear();
    want_.clear();
    BucketDigest let_go;
    storage::Version let_go_ever = 0;
    context_.with_shard(listing.shard_number, [&](storage::Shard& shard) {
        listing.is_whole = !context_.sink.has_untold_removal(listing.shard_number, listing.bucket);
        if (!listing.is_whole) return;
        compare(shard, listing);
        if (listing.is_whole) judge(shard, listing);
        let_go.floor = context_.sink.removals(listing.shard_number).floor(listing.bucket);
        let_go_ever = ever(context_.sink.removals(listing.shard_number), listing.bucket);
    });
    give_floors(listing.bucket, {&let_go, 1});
    if (listing.is_whole && (let_go_ever != 0 || !drop_.empty())) {
        make_room(frame_header_size + list_header_size + drop_.size() * list_item_size);
        write_list(out_, {FrameType::list, 0, listing.bucket, let_go_ever}, drop_);
    }
    give_records();
    // Behind the records: what is given may be among it.
    if (!want_.empty()) {
        make_room(frame_header_size + ack_header_size + want_.size() * 8);
        write_frame(out_, Ack{0, 0, want_});
    }
    return listing.is_whole;
}

// What the asker lacks, or holds an older one of.
void Donor::compare(storage::Shard& shard, Listing& listing) {
    const auto value_limit = std::min(batched_value_limit, limit_ / 3);
    lib::MemoryGuard guard;
    const auto visit = guard.over([&](const storage::ItemView& item) {
        if (item.version == 0) return;
        const auto at = std::lower_bound(listing.theirs.begin(), listing.theirs.end(),
                                         BucketItem{item.hash, 0}, by_hash);
        const bool is_theirs = at != listing.theirs.end() && at->hash == item.hash;
        if (is_theirs)
            listing.is_here[static_cast<std::size_t>(at - listing.theirs.begin())] = true;
        if (is_theirs && at->version == item.version) return;
        if (is_theirs && at->version > item.version) return want_.push_back(item.hash);
        if (given_bytes_ >= answer_bytes) {
            listing.is_whole = false;
            return;
        }
        Given given;
        given.head = record_head_of(item);
        given.head.expiry_ms = context_.clock.there(given.head.expiry_ms);
        given.head.cold = true;
        given.key = item.key;
        if (item.pinnable && item.value.size() > value_limit) given.pin = context_.store->pin(item);
        if (given.pin.bytes().empty()) given.value = item.value;
        given_bytes_ += item_cost(item);
        if (context_.is_to_be_told(listing.shard_number, item)) want_.push_back(item.hash);
        records_.push_back(std::move(given));
    });
    shard.visit_bucket(listing.bucket, context_.now, visit);
    guard.finish();
}

// What the asker holds and this node does not: was it removed, or is it news?
void Donor::judge(storage::Shard&, const Listing& listing) {
    auto& tracking = context_.tracking(listing.shard_number);
    const auto& removals = context_.sink.removals(listing.shard_number);
    const auto floor =
        std::max(ever(removals, listing.bucket), tracking.buckets.floor(listing.bucket));
    for (std::size_t i = 0; i < listing.theirs.size(); ++i) {
        if (listing.is_here[i]) continue;
        const auto& item = listing.theirs[i];
        const auto removed = std::max(floor, removals.exact(item.hash));
        if (item.version < removed) {
            drop_.push_back(item);
        } else {
            want_.push_back(item.hash);
        }
    }
}

void Donor::give_records() {
    const auto value_limit = std::min(batched_value_limit, limit_ / 3);
    context_.counters.add(ClusterCounter::given_items, records_.size());
    const auto now_ms = context_.clock.now_ms(context_.now);
    std::optional<BatchWriter> batch;
    const auto finish = [&] {
        if (batch) batch->finish();
        batch.reset();
    };
    for (const auto& given : records_) {
        auto record = given.head;
        record.key = given.key;
        record.value =
            given.pin.bytes().empty() ? std::string_view(given.value) : given.pin.bytes();
        if (record.value.size() > value_limit) {
            finish();
            give_large(record);
            continue;
        }
        const auto size = frame_overhead + record.value.size();
        if (batch && (batch->is_full() || out_.size() + size > limit_)) finish();
        if (!batch) {
            make_room(size);
            batch.emplace(out_, 1, std::uint16_t{0}, now_ms);
        }
        batch->add(record);
    }
    finish();
    records_.clear();
}

void Donor::give_large(const WireRecord& record) {
    for (std::size_t at = 0; at < record.value.size();) {
        make_room(frame_overhead + 4096);
        Segment segment;
        segment.sender_now_ms = context_.clock.now_ms(context_.now);
        segment.offset = at;
        segment.total = static_cast<std::uint32_t>(record.value.size());
        segment.record = record;
        const auto room = limit_ - std::min(limit_, out_.size() + frame_overhead);
        segment.record.value = record.value.substr(at, std::min(segment_size, room));
        write_frame(out_, 1, segment);
        at += segment.record.value.size();
    }
}

}  // namespace twincached::replication::nats
