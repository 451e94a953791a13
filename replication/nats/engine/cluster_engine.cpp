#include "replication/nats/engine/cluster_engine.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr std::string_view donor_subject = "donor";
constexpr std::string_view hash_question = "twincached: do both nodes hash alike?";

constexpr std::uint64_t look_pause_ms = 500;
constexpr std::uint64_t seek_pause_ms = 200;
constexpr std::uint64_t refused_pause_ms = 200;
constexpr std::uint64_t release_pause_ms = 100;
constexpr std::uint64_t tick_ms = 50;

std::uint64_t ms_of(std::chrono::milliseconds ms) noexcept {
    return static_cast<std::uint64_t>(ms.count());
}

// The highest version that such a time can give.
constexpr storage::Version last_of(std::uint64_t version_time) noexcept {
    return (version_time << 13) | 0x1FFF;
}

MemberTable::Limits limits_of(const ClusterOptions& options) noexcept {
    // A node in step says so at every heartbeat; two may be missed.
    const auto pause = 3 * ms_of(options.heartbeat);
    return {ms_of(options.member_timeout), pause, std::min(pause, ms_of(options.boot_grace))};
}

}  // namespace

ClusterEngine::ClusterEngine(const ClusterOptions& options, ClusterSink& sink, Broker& broker,
                             ClusterOwner& owner)
    : options_(options),
      broker_(broker),
      owner_(owner),
      context_{.options = options_,
               .sink = sink,
               .now = now_,
               .members = MemberTable(limits_of(options), options.node)},
      applier_(context_),
      sender_(context_),
      speaker_(context_, broker, sender_, options.incarnation),
      reader_(context_, applier_, options.incarnation),
      comparison_(context_, broker, applier_, sender_),
      donor_(context_, broker, reader_.arriving()) {}

void ClusterEngine::attach(storage::Store& store) noexcept {
    context_.store = &store;
    context_.hash_check = store.key(hash_question).hash;
}

void ClusterEngine::start() {
    started_ms_ = now_.steady_ms;
    state_since_ms_ = now_.steady_ms;
    context_.clock.guess_by_wall_clock(now_);
    update();
}

// --- the connection ------------------------------------------------------------------------------

void ClusterEngine::connected(std::size_t max_payload) {
    const auto limit = std::min(max_payload, options_.batch_bytes);
    if (limit < BatchSender::least_bytes) {
        return note(LogLevel::error, "the broker's max_payload is too small: " +
                                         std::to_string(max_payload) + " bytes");
    }
    is_connected_ = true;
    has_spoken_ = false;
    is_doubled_ = false;
    looked_ = 0;
    lonely_since_ms_ = seek_at_ms_ = speak_at_ms_ = claimed_ms_ = 0;
    sender_.set_limit(limit);
    comparison_.set_limit(limit);
    donor_.set_limit(limit);
    speaker_.begin_session();
    set_state(is_ready_ ? ClusterState::comparing : ClusterState::joining, "connected");
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        look(i);
    broker_.serve("node." + std::to_string(options_.node), true);
    context_.sink.changes().set_hinting(true);
    update();
}

void ClusterEngine::disconnected(std::string_view why) {
    if (!std::exchange(is_connected_, false)) return;
    speaker_.on_disconnected();
    comparison_.disconnect();
    donor_.disconnect();
    is_in_step_ = is_serving_ = has_spoken_ = false;
    looked_ = 0;
    context_.sink.changes().set_hinting(false);
    if (auto* gate = context_.sink.changes().gate()) gate->lose_link();
    set_state(ClusterState::disconnected, why);
    update();
}

void ClusterEngine::look(StreamId stream) {
    looked_ &= ~(1U << stream);
    look_at_ms_[stream] = 0;
    broker_.look(stream);
}

void ClusterEngine::no_stream(StreamId stream, std::string_view why) {
    note(LogLevel::warning, "stream " + options_.streams[stream] + ": " + std::string(why));
    look_at_ms_[stream] = now_.steady_ms + look_pause_ms;
    update();
}

void ClusterEngine::consumer_lost(StreamId stream, std::string_view why) {
    note(LogLevel::info, "stream " + options_.streams[stream] + ": " + std::string(why));
    if (is_connected_) look(stream);
    update();
}

void ClusterEngine::stream_is(StreamId stream, const StreamState& state) {
    auto& place = context_.places[stream];
    if (place.is_known) {
        if (place.created != state.created) {
            lose_place(stream, "the stream was created anew");
        } else if (state.last < place.consumed) {
            lose_place(stream, "the stream went back");
        } else if (state.first > place.consumed + 1) {
            lose_place(stream, "the stream has forgotten what this node had not read");
        }
    }
    if (place.created != state.created) {
        context_.members.forget(stream);
        if (stream == own_stream) context_.published = 0;
        place.created = state.created;
    }
    place.last = state.last;
    catch_up_to_[stream] = state.last;
    looked_ |= 1U << stream;
    broker_.consume(stream, (place.is_known ? place.consumed : state.last) + 1);
    update();
}

// --- the log -------------------------------------------------------------------------------------

void ClusterEngine::delivered(const Delivery& delivery) {
    const auto& place = context_.places[delivery.stream];
    if (place.is_known && delivery.sequence <= place.consumed) return;
    const auto heard = reader_.read(delivery);
    if (heard.is_own) on_own(heard, delivery.sequence);
    if (heard.is_claim_granted) on_claim(heard, delivery.sequence);
    const bool is_doubled = heard.is_namesakes &&
                            heard.hearing != MemberTable::Hearing::is_late &&
                            heard.header.session > speaker_.session();
    if (is_doubled && !std::exchange(is_doubled_, true)) {
        note(LogLevel::error, "another node speaks as node " + std::to_string(options_.node) +
                                  ": this one is silent");
    }
    donor_.on_progress(is_in_step_ && is_ready_);
    update();
}

// A node that others have ceased to wait for does not know what they have ceased to remember: it is
// judged by what they know.
void ClusterEngine::on_own(const Heard& heard, Sequence sequence) {
    speaker_.on_heard(heard.header, sequence);
    if (heard.hearing == MemberTable::Hearing::is_late) return;
    const bool was_forgotten = heard.hearing == MemberTable::Hearing::was_forgotten;
    if (was_forgotten && is_member_) start_over("this node was silent for too long");
    is_member_ = true;
    // What an earlier connection said may be read only now.
    has_spoken_ = has_spoken_ || heard.header.session == speaker_.session();
}

void ClusterEngine::on_claim(const Heard& heard, Sequence sequence) {
    if (heard.is_own) return become_reference(sequence);
    lonely_since_ms_ = 0;
    const auto name = "node " + std::to_string(heard.header.node);
    if (knows_its_place()) start_over(name + " begins alone, and all is compared with it");
}

// Nobody is in step, and this node is the one with which the others compare what they hold.
void ClusterEngine::become_reference(Sequence sequence) {
    comparison_.disconnect();
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        auto& place = context_.places[i];
        if (place.is_known) continue;
        place.is_known = true;
        place.consumed = i == own_stream ? sequence : place.last;
    }
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        context_.with_shard(i, [&](storage::Shard&) {
            auto& buckets = context_.tracking(i).buckets;
            for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
                const auto bucket = static_cast<storage::BucketNumber>(b);
                if (buckets.floor(bucket) != 0)
                    context_.sink.removals(i).raise_removed(bucket, buckets.floor(bucket));
            }
            buckets.forget();
            context_.sink.changes().refresh(i);
        });
    }
    note(LogLevel::info, "nobody else is in step: others will compare what they hold with this node");
}

// --- what becomes of what was said ---------------------------------------------------------------

void ClusterEngine::published(Token token, Sequence sequence) {
    (void)speaker_.on_published(token, sequence);
    update();
}

void ClusterEngine::not_published(Token token, std::string_view why) {
    if (speaker_.on_not_published(token)) {
        speak_at_ms_ = now_.steady_ms + refused_pause_ms;
        note(LogLevel::debug, "the broker did not take a message: " + std::string(why));
    }
    update();
}

void ClusterEngine::asked(std::string_view subject, std::string_view payload,
                          std::string_view to) {
    (void)subject;
    donor_.answer(payload, to, is_in_step_ && is_ready_);
    update();
}

void ClusterEngine::answered(Token token, std::string_view payload, std::string_view) {
    comparison_.answered(token, payload);
    if (comparison_.phase() == Comparison::Phase::met) take_over();
    update();
}

void ClusterEngine::not_answered(Token token, std::string_view) {
    comparison_.not_answered(token);
    update();
}

void ClusterEngine::told(std::string_view subject, std::string_view payload) {
    if (subject != "hint") return;
    const auto read = read_frame(payload);
    if (read.status != FrameStatus::complete || read.frame.type != FrameType::hint) return;
    const HintReader hints(read.frame.payload);
    if (!hints.valid()) return;
    for (std::size_t i = 0; i < hints.size(); ++i) {
        context_.store->with_shard(context_.store->shard_of(hints[i]), [&](storage::Shard& shard) {
            shard.apply_hint(hints[i], now_);
        });
    }
    context_.counters.add(ClusterCounter::hints_received, hints.size());
}

void ClusterEngine::on_wake() {
    update();
}

void ClusterEngine::on_timer() {
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        if (is_connected_ && look_at_ms_[i] != 0 && now_.steady_ms >= look_at_ms_[i]) look(i);
    comparison_.on_time();
    update();
}

// --- where this node stands ----------------------------------------------------------------------

bool ClusterEngine::has_looked() const noexcept {
    return is_connected_ && looked_ == (1U << context_.stream_count()) - 1;
}

bool ClusterEngine::has_caught_up() const noexcept {
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        const auto& place = context_.places[i];
        if (place.is_known && place.consumed < catch_up_to_[i]) return false;
    }
    return has_looked();
}

bool ClusterEngine::knows_its_place() const noexcept {
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        if (!context_.places[i].is_known) return false;
    return true;
}

// First all is read that was there when the connection was made, then this node's own word is, and
// only then does it say anything of its data: so it cannot tell what others have since removed.
bool ClusterEngine::may_tell_data() const noexcept {
    return has_caught_up() && has_spoken_ && knows_its_place() && !is_doubled_;
}

bool ClusterEngine::may_claim() const noexcept {
    if (!has_caught_up() || !has_spoken_ || is_in_step_ || lonely_since_ms_ == 0) return false;
    if (comparison_.is_active() && comparison_.phase() != Comparison::Phase::seeking) return false;
    const auto grace = ms_of(options_.boot_grace);
    if (now_.steady_ms < lonely_since_ms_ + grace || now_.steady_ms < claimed_ms_ + grace)
        return false;
    // An empty node waits for those who have something.
    return is_ready_ || !context_.members.has_live_ready();
}

SelfDescription ClusterEngine::description() const noexcept {
    return {.is_ready = is_ready_,
            .is_in_step = is_in_step_,
            .claims = false,
            .leaves = is_draining_ && !sender_.has_work()};
}

void ClusterEngine::lose_place(StreamId stream, std::string_view why) {
    auto& place = context_.places[stream];
    place = {};
    is_member_ = false;
    context_.members.forget(stream);
    reader_.forget_arriving();
    // Not all may have read what stood there: it is told again, as far as that is still known.
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        context_.with_shard(i, [&](storage::Shard&) {
            auto& buckets = context_.tracking(i).buckets;
            auto& removals = context_.sink.removals(i);
            for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
                const auto bucket = static_cast<storage::BucketNumber>(b);
                buckets.raise_floor(bucket, removals.removed_ever(bucket));
            }
            removals.move_all({own_stream, 0});
        });
    }
    if (stream == own_stream) context_.published = 0;
    start_over(why);
}

// All is compared with another node. What was not told becomes a mark on its bucket (rule R12).
void ClusterEngine::start_over(std::string_view why) {
    is_in_step_ = false;
    if (sender_.is_on_its_way()) sender_.on_lost();
    comparison_.disconnect();
    auto& changes = context_.sink.changes();
    if (auto* gate = changes.gate()) gate->lose_link();
    constexpr std::size_t entries_per_lock = 4096;
    for (unsigned i = 0; i < changes.shard_count(); ++i) {
        context_.with_shard(i, [&](storage::Shard&) { changes.shard(i).mark_all_dirty(0); });
        for (bool is_done = false; !is_done;) {
            context_.with_shard(i, [&](storage::Shard&) {
                is_done = changes.shard(i).fold_some(entries_per_lock);
                changes.refresh(i);
            });
        }
    }
    if (context_.store->flush_version() != 0) changes.tell_of_flush();
    if (context_.store->flush_schedule().version != 0) changes.on_flush_scheduled(0, 0);
    context_.counters.add(ClusterCounter::comparisons);
    seek_at_ms_ = lonely_since_ms_ = 0;
    if (is_connected_)
        set_state(is_ready_ ? ClusterState::comparing : ClusterState::joining, why);
}

void ClusterEngine::resync() {
    if (knows_its_place()) start_over("an operator asked for it");
    update();
}

void ClusterEngine::look_for_donor() {
    if (!has_looked() || comparison_.is_active() || is_in_step_) return;
    const bool lacks = !knows_its_place() || context_.sum(&ShardTracking::dirty) > 0;
    if (comparison_.is_lonely() && lonely_since_ms_ == 0)
        lonely_since_ms_ = now_.steady_ms;
    if (!lacks || now_.steady_ms < seek_at_ms_) return;
    seek_at_ms_ = now_.steady_ms + seek_pause_ms;
    comparison_.seek();
}

// --- what a donor gives --------------------------------------------------------------------------

void ClusterEngine::take_over() {
    const auto& state = comparison_.state();
    const auto gate = context_.gate();
    lonely_since_ms_ = 0;
    context_.clock.guess(state.broker_now_ms, now_);
    if (gate.admits_time(state.version_time))
        context_.store->observe(last_of(state.version_time));
    if (state.flush != 0 && context_.admits(state.flush)) {
        context_.store->apply_flush(state.flush);
        context_.sink.changes().peer_knows_flush(state.flush);
    }
    if (state.schedule != 0 && context_.admits(state.schedule)) {
        context_.store->apply_flush_schedule(context_.clock.here_ms(state.schedule_at_ms),
                                             state.schedule);
    }
    if (!knows_its_place()) {
        bool fits = true;
        for (unsigned i = 0; i < context_.stream_count(); ++i) {
            if (context_.places[i].is_known) continue;
            take_place(i, state);
            fits = fits && context_.places[i].is_known;
        }
        if (!fits) return comparison_.stop();
        take_removals(state);
        if (context_.members[options_.node].session >= speaker_.session() &&
            !speaker_.is_waiting())
            speaker_.begin_session();
    }
    is_unconfirmed_ = false;
    comparison_.go_on();
}

// From where the donor stands this node reads on by itself.
void ClusterEngine::take_place(StreamId stream, const GivenState& state) {
    const auto tag = tag_of(options_.streams[stream]);
    const auto given = std::find_if(state.streams.begin(), state.streams.end(),
                                    [&](const GivenStream& one) { return one.tag == tag; });
    auto& place = context_.places[stream];
    if (given == state.streams.end() || given->created != place.created) return;
    const auto home = static_cast<StreamId>(given - state.streams.begin());
    for (const auto& [node, theirs] : state.members) {
        if (theirs.home != home) continue;
        auto member = theirs;
        member.home = stream;
        member.consumed = {};
        for (unsigned i = 0; i < context_.stream_count(); ++i) {
            for (std::size_t j = 0; j < state.streams.size(); ++j)
                if (state.streams[j].tag == tag_of(options_.streams[i]))
                    member.consumed[i] = theirs.consumed[j];
        }
        context_.members.replace(node, member);
    }
    context_.members.set_time(stream, given->log_ms, given->broker_ms);
    place.is_known = true;
    place.consumed = given->consumed;
    place.last = std::max(place.last, place.consumed);
    broker_.consume(stream, place.consumed + 1);
}

void ClusterEngine::take_removals(const GivenState& state) {
    std::array<std::optional<StreamId>, streams_limit> here{};
    for (std::size_t j = 0; j < state.streams.size(); ++j) {
        for (unsigned i = 0; i < context_.stream_count(); ++i)
            if (state.streams[j].tag == tag_of(options_.streams[i])) here[j] = i;
    }
    for (const auto& removal : state.removals) {
        if (!context_.admits(removal.version)) continue;
        const auto number = context_.store->shard_of(removal.hash);
        const auto stream = here[removal.place.stream];
        const LogPlace place = stream ? LogPlace{*stream, removal.place.sequence}
                                      : context_.end_of_log();
        context_.with_shard(number, [&](storage::Shard&) {
            context_.sink.removals(number).note(removal.hash, removal.version, place);
        });
    }
    for (const auto& floor : state.floors) {
        if (!context_.admits(floor.version)) continue;
        const auto number = context_.store->shard_of_bucket(floor.bucket);
        context_.with_shard(number, [&](storage::Shard&) {
            context_.sink.removals(number).raise_floor(floor.bucket, floor.version);
        });
    }
}

// --- after every event ---------------------------------------------------------------------------

void ClusterEngine::update() {
    if (context_.store == nullptr) return;
    look_for_donor();
    judge_step();
    judge_readiness();
    release_removals();
    speak();
    serve();
    rest();
    set_deadline();
}

void ClusterEngine::judge_step() {
    const bool was = is_in_step_;
    is_in_step_ = may_tell_data() && is_member_ && !comparison_.is_active() &&
                  context_.sum(&ShardTracking::dirty) == 0 &&
                  context_.sum(&ShardTracking::walking) == 0;
    if (is_in_step_ && !was) {
        lonely_since_ms_ = 0;
        set_state(ClusterState::in_step, "in step with the log");
    } else if (was && !is_in_step_ && is_connected_) {
        set_state(ClusterState::comparing, "changes that the log could not hold are compared");
    }
}

void ClusterEngine::judge_readiness() {
    if (is_ready_) return;
    if (is_in_step_) return become_ready("in step with the log");
    const auto waited = now_.steady_ms - std::min(started_ms_, now_.steady_ms);
    if (started_ms_ == 0) return;
    if (!has_looked() && waited >= ms_of(options_.boot_grace)) {
        if (is_unconfirmed_) drop_everything();
        return become_ready("alone: the broker could not be reached");
    }
    if (waited >= ms_of(options_.sync_serve)) become_ready("it has waited for too long");
}

// What came back from before a restart, and may have been removed since where nobody is left who
// could tell.
void ClusterEngine::drop_everything() {
    is_unconfirmed_ = false;
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        std::optional<std::uint64_t> next =
            std::uint64_t{context_.tracking(i).buckets.first()} << 48;
        while (next) {
            context_.with_shard(i, [&](storage::Shard& shard) {
                next = shard.drop_some_in_doubt(*next, 0, now_);
            });
        }
    }
    note(LogLevel::warning, "the items of before the restart are dropped: nobody could confirm them");
}

void ClusterEngine::become_ready(std::string_view why) {
    is_ready_ = true;
    note(LogLevel::info, "ready: " + std::string(why));
    owner_.ready();
}

// Removals that every live member has come past are forgotten, and floors by and by.
void ClusterEngine::release_removals() {
    if (!is_in_step_ || now_.steady_ms < release_at_ms_) return;
    release_at_ms_ = now_.steady_ms + release_pause_ms;
    bool turns = !speaker_.is_waiting();
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        turns = turns && context_.members.all_past({i, turn_at_[i]});
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        context_.with_shard(i, [&](storage::Shard&) {
            auto& removals = context_.sink.removals(i);
            removals.forget([&](LogPlace place) { return context_.members.all_past(place); });
            if (turns) removals.turn();
        });
    }
    if (turns) {
        for (unsigned i = 0; i < context_.stream_count(); ++i)
            turn_at_[i] = context_.places[i].consumed;
        turn_at_[own_stream] = context_.end_of_log().sequence;
    }
    // The lowest that is there does what the one who was asked cannot do any more.
    const auto schedule = context_.store->flush_schedule();
    bool fires = !context_.members.is_live(storage::node_of(schedule.version));
    for (unsigned node = 0; node < options_.node; ++node)
        fires = fires && !context_.members.is_live(node);
    context_.sink.set_fires_foreign_schedule(fires);
}

void ClusterEngine::speak() {
    if (!has_caught_up() || is_doubled_ || is_drained_) return;
    if (speaker_.is_waiting() || now_.steady_ms < speak_at_ms_) return;
    auto self = description();
    if (may_claim()) {
        claimed_ms_ = now_.steady_ms;
        if (is_unconfirmed_) drop_everything();
        self.claims = true;
        return speaker_.say(self, false);
    }
    if (may_tell_data() && sender_.has_work() && speaker_.say_data(self)) return;
    self = description();
    const bool is_due = now_.steady_ms >= speaker_.said_at_ms() + ms_of(options_.heartbeat);
    auto said = speaker_.said_last();
    said.claims = false;
    if (is_due || !has_spoken_ || said != self) speaker_.say(self, false);
}

void ClusterEngine::serve() {
    if (!is_connected_) return;
    const bool gives = is_in_step_ && is_ready_ && !is_draining_;
    if (std::exchange(is_serving_, gives) != gives) broker_.serve(donor_subject, gives);
}

// Before the thread rests the sink is asked to wake it, if there is anybody to tell.
void ClusterEngine::rest() {
    auto& changes = context_.sink.changes();
    const bool listens = may_tell_data() && !speaker_.is_waiting();
    changes.set_resting(listens);
    if (listens && now_.steady_ms >= speak_at_ms_ && sender_.has_work()) {
        changes.set_resting(false);
        speak();
    }
    const bool has_left = speaker_.said_last().leaves && !speaker_.is_waiting();
    if (is_draining_ && !is_drained_ && (has_left || !may_tell_data())) {
        is_drained_ = true;
        owner_.drained();
    }
    if (auto* gate = changes.gate()) {
        const auto line = gate->observe({is_in_step_, speaker_.waiting_ms(), now_.steady_ms});
        if (line) note(LogLevel::info, *line);
    }
}

// What is to be done then was decided at the last event.
void ClusterEngine::set_deadline() noexcept {
    auto at = now_.steady_ms + tick_ms;
    if (is_in_step_ && !speaker_.is_waiting())
        at = std::min(speaker_.said_at_ms() + ms_of(options_.heartbeat), release_at_ms_);
    if (const auto resume = comparison_.resume_at_ms()) at = std::min(at, *resume);
    deadline_ms_ = std::max(at, now_.steady_ms + 1);
}

void ClusterEngine::begin_drain() {
    is_draining_ = true;
    update();
}

// --- reports -------------------------------------------------------------------------------------

void ClusterEngine::set_state(ClusterState state, std::string_view why) {
    if (std::exchange(state_, state) != state) state_since_ms_ = now_.steady_ms;
    note(LogLevel::info, std::string(name_of(state)) + ": " + std::string(why));
}

void ClusterEngine::note(LogLevel level, std::string_view line) {
    if (level != LogLevel::debug) last_event_ = line;
    owner_.log(level, line);
}

ClusterReport ClusterEngine::report() const {
    ClusterReport report;
    report.node = options_.node;
    report.state = state_;
    report.is_ready = is_ready_;
    report.last_event = last_event_;
    report.state_since_ms = state_since_ms_;
    for (unsigned node = 0; node < nodes_limit; ++node) {
        const auto& member = context_.members[node];
        report.members[node] = {context_.members.is_live(node), member.is_ready, member.is_in_step,
                                member.consumed[own_stream],
                                member.is_known ? context_.members.silent_ms(node) : 0};
    }
    report.live_members = context_.members.live_others();
    report.consumed = context_.places[own_stream].consumed;
    report.last = context_.end_of_log().sequence;
    report.lag_ms = speaker_.waiting_ms();
    report.unacked = context_.sum(&ShardTracking::log_entries);
    report.unsent = context_.sum(&ShardTracking::log_unsent);
    report.log_bytes = context_.sum(&ShardTracking::log_bytes);
    report.dirty_buckets =
        context_.sum(&ShardTracking::dirty) + context_.sum(&ShardTracking::walking);
    report.counted.add(context_.counters);
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        const auto& tracking = context_.sink.changes().shard(i);
        report.tracked.add(tracking.counters);
        report.digest ^= tracking.digest.load(std::memory_order_relaxed);
        report.removals += context_.sink.kept(i);
        report.removals_folded += context_.sink.folded(i);
    }
    return report;
}

// --- warm restart --------------------------------------------------------------------------------

// A node that was alone knows all that there is to know of its items; one that was not is told.
std::string ClusterEngine::remember() {
    return context_.members.live_others() == 0 ? "alone" : "with others";
}

lib::Parsed<Recall> ClusterEngine::recall(const Remembered& memory) {
    is_unconfirmed_ = memory.bytes == "with others";
    return Recall::anew;
}

}  // namespace twincached::replication::nats
