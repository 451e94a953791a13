#include "replication/nats/walk/comparison.hpp"

#include "replication/records/data_frames.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr std::size_t question_bytes = 64U << 10;
constexpr std::uint64_t wanted_bytes_most = 8U << 20;  // that the log has still to tell
constexpr std::uint64_t behind_pause_ms = 50;
constexpr std::uint64_t busy_pause_ms = 20;
constexpr std::string_view senseless = "an answer made no sense";

}  // namespace

// --- asking ------------------------------------------------------------------------------------

void Comparison::ask(std::string_view subject, Topic topic, std::string_view frames) {
    Question question;
    question.topic = topic;
    question.hash_check = context_.hash_check;
    question.left_era = context_.left_era;
    question.has_missed_nothing = context_.has_missed_nothing;
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
    window_.rewind();
    next();
}

void Comparison::stop() {
    window_.abandon();
    taker_.begin_question();
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

// --- questions ---------------------------------------------------------------------------------

void Comparison::next() {
    if (context_.sum(&ShardTracking::wanted_bytes) > wanted_bytes_most) return pause(busy_pause_ms);
    if (!window_.has_digests() && !window_.has_lists()) {
        taker_.begin_window();
        if (!window_.gather()) {
            phase_ = Phase::idle;
            return;
        }
    }
    if (window_.has_digests()) return ask_digests();
    ask_lists();
}

void Comparison::ask_digests() {
    storage::BucketNumber first = 0;
    const auto digests = window_.ask_digests(first);
    lib::ByteBuffer frames;
    write_digests(frames, {FrameType::digest, 1, first}, digests);
    phase_ = Phase::digests;
    ask(donors_subject(), Topic::digests, frames.readable());
}

void Comparison::ask_lists() {
    lib::ByteBuffer frames;
    const auto most = std::min(question_bytes, limit_ / 2);
    while (window_.has_lists() && window_.asked() < BucketWindow::lists_most &&
           frames.size() < most)
        taker_.write_bucket(frames, window_.ask_list(), limit_);
    phase_ = Phase::lists;
    taker_.begin_question();
    ask(donors_subject(), Topic::lists, frames.readable());
}

// --- answers -----------------------------------------------------------------------------------

void Comparison::answered(Token token, std::string_view payload) {
    if (token != token_ || phase_ == Phase::idle || phase_ == Phase::pausing) return;
    if (phase_ == Phase::met) return;
    const auto answer = read_answer(payload);
    if (!answer || answer->part != parts_) return give_up(senseless);
    ++parts_;
    received_bytes_ += payload.size();
    resume_ms_ = context_.now.steady_ms +
                 static_cast<std::uint64_t>(context_.options.answer_timeout.count());
    if (answer->verdict == Verdict::behind) return on_behind();
    behind_since_ms_ = 0;
    if (answer->verdict == Verdict::not_in_step) return give_up("it is not in step itself");
    if (answer->verdict != Verdict::given) return give_up("it reads another log");
    if (phase_ != Phase::seeking) trouble_.clear();
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

// The same is asked again, of what is here by then; but not for ever.
void Comparison::on_behind() {
    const auto patience_ms = ms_of(context_.options.answer_timeout);
    const auto now_ms = context_.now.steady_ms;
    if (behind_since_ms_ == 0) behind_since_ms_ = now_ms;
    if (now_ms >= behind_since_ms_ + patience_ms)
        return give_up("it has not read in the log what this node has");
    window_.ask_again(phase_ == Phase::digests);
    pause(behind_pause_ms);
}

void Comparison::not_answered(Token token, std::string_view why) {
    if (token != token_ || phase_ == Phase::idle || phase_ == Phase::pausing) return;
    give_up(why);
}

// Whoever does not answer is asked no more: another may be found.
void Comparison::give_up(std::string_view why) {
    trouble_ = phase_ == Phase::seeking ? "a donor is looked for: " : donors_subject() + ": ";
    trouble_ += why;
    behind_since_ms_ = 0;
    if (phase_ == Phase::seeking) is_lonely_ = true;
    stop();
}

void Comparison::on_time() {
    if (phase_ == Phase::idle || phase_ == Phase::met) return;
    if (context_.now.steady_ms < resume_ms_) return;
    if (phase_ != Phase::pausing) return give_up("no answer came");
    if (state_.streams.empty()) return seek();
    next();
}

void Comparison::on_state(const Answer& answer) {
    if (answer.topic != Topic::state || !read_section(answer.body, state_))
        return give_up(senseless);
    if (!answer.is_last) return;
    if (state_.streams.empty()) return give_up(senseless);
    donor_ = answer.node;
    phase_ = Phase::met;
}

void Comparison::on_digests(const Answer& answer) {
    if (!take_frames(answer.body)) return give_up(senseless);
    if (!answer.is_last) return;
    window_.finish();
    next();
}

void Comparison::on_lists(const Answer& answer) {
    if (!take_frames(answer.body)) return give_up(senseless);
    if (!answer.is_last) return;
    const bool has_moved = window_.asked() > 0 || taker_.has_been_given();
    window_.finish();
    // The donor has yet to tell what would answer the question.
    if (!has_moved) return pause(busy_pause_ms);
    const auto rate = context_.options.sync_rate_bytes;
    const auto pace_ms = rate == 0 ? 0 : std::exchange(received_bytes_, 0) * 1000 / rate;
    if (pace_ms != 0) return pause(pace_ms);
    next();
}

bool Comparison::take_frames(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto read = read_frame(bytes);
        if (read.status != FrameStatus::complete || !take_frame(read.frame)) return false;
        bytes.remove_prefix(read.size);
    }
    return true;
}

// Buckets whose lists are to be asked for come in a frame of their own, beside what is given.
bool Comparison::take_frame(const Frame& frame) {
    if (frame.type != FrameType::digest || frame.seq != 0) return taker_.take(frame);
    const BucketRequestReader unfinished(frame.payload);
    if (!unfinished.valid()) return false;
    for (std::size_t i = 0; i < unfinished.size(); ++i)
        window_.needs_list(unfinished[i]);
    return true;
}

}  // namespace twincached::replication::nats
