#include "replication/nats/engine/cluster_engine.hpp"

#include "replication/nats/engine/cluster_memory.hpp"
#include "replication/nats/engine/starting_over.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr std::string_view donor_subject = "donor";
constexpr std::string_view hash_question = "twincached: do both nodes hash alike?";

constexpr std::uint64_t tick_ms = 50;
constexpr std::uint64_t refusal_told_ms = 1000;

MemberTable::Limits limits_of(const ClusterOptions& options) noexcept {
    // A node in step says so at every heartbeat; two may be missed.
    const auto pause = 3 * ms_of(options.heartbeat);
    return {ms_of(options.member_timeout), pause, std::min(pause, ms_of(options.boot_grace))};
}

std::string with_bytes(std::string_view what, std::size_t bytes) {
    return std::string(what) + ": " + std::to_string(bytes) + " bytes, and " +
           std::to_string(message_least_bytes) + " are needed";
}

}  // namespace

ClusterEngine::ClusterEngine(const ClusterOptions& options, ClusterSink& sink, Broker& broker,
                             ClusterOwner& owner)
    : options_(options),
      broker_(broker),
      state_(owner, now_),
      context_{.options = options_,
               .sink = sink,
               .now = now_,
               .members = MemberTable(limits_of(options), options.node)},
      applier_(context_),
      sender_(context_),
      speaker_(context_, broker, sender_, options.incarnation),
      reader_(context_, applier_, options.incarnation),
      follower_(context_, footing_, broker, reader_, state_),
      comparison_(context_, broker, applier_, sender_),
      donor_(context_, broker, reader_.arriving()),
      keeper_(context_),
      hints_(context_, broker),
      reunion_(context_, footing_, state_, broker, speaker_, sender_, comparison_),
      readiness_(context_, footing_, owner, state_),
      announcer_(context_, footing_, owner, speaker_, sender_),
      number_(context_, footing_, broker),
      clock_(context_, footing_, state_, speaker_, reunion_),
      watch_(context_, footing_, comparison_, state_),
      attendance_(context_, footing_, state_) {}

void ClusterEngine::attach(storage::Store& store) noexcept {
    context_.store = &store;
    context_.hash_check = store.key(hash_question).hash;
}

void ClusterEngine::start() {
    readiness_.start();
    state_.begin();
    speaker_.begin();
    context_.clock.guess_by_wall_clock(now_);
    update();
}

// --- the connection ------------------------------------------------------------------------------

void ClusterEngine::connected(std::size_t max_payload) {
    if (max_payload < message_least_bytes) {
        refusal_ = with_bytes("the broker's max_payload is too small", max_payload);
        return state_.note(LogLevel::error, refusal_);
    }
    const auto limit = std::min(max_payload, options_.batch_bytes);
    message_limit_ = limit;
    footing_.is_connected = true;
    footing_.has_spoken = false;
    footing_.is_doubled = false;
    footing_.looked = 0;
    reunion_.begin();
    announcer_.begin();
    sender_.set_limit(limit);
    comparison_.set_limit(limit);
    donor_.set_limit(limit);
    speaker_.begin_session();
    state_.set_out_of_step(footing_.is_ready, "connected");
    follower_.begin();
    broker_.serve("node." + std::to_string(options_.node), true);
    context_.sink.changes().set_hinting(true);
    update();
}

void ClusterEngine::disconnected(std::string_view why) {
    refusal_.clear();
    const bool has_looked = footing_.has_looked(context_);
    if (!std::exchange(footing_.is_connected, false)) return;
    speaker_.on_disconnected();
    comparison_.disconnect();
    donor_.disconnect();
    footing_.is_in_step = is_serving_ = footing_.has_spoken = false;
    footing_.looked = 0;
    if (has_looked) readiness_.cut_off();
    context_.sink.changes().set_hinting(false);
    context_.sink.set_fires_foreign_schedule(true);
    if (auto* gate = context_.sink.changes().gate()) gate->lose_link();
    state_.set(ClusterState::disconnected, why);
    update();
}

void ClusterEngine::no_stream(StreamId stream, std::string_view why) {
    follower_.no_stream(stream, why);
    update();
}

void ClusterEngine::reading(StreamId stream) {
    follower_.reading(stream);
    update();
}

void ClusterEngine::consumer_lost(StreamId stream, std::string_view why) {
    follower_.consumer_lost(stream, why);
    update();
}

void ClusterEngine::stream_is(StreamId stream, const StreamState& state) {
    if (stream == own_stream) {
        const auto limit =
            state.max_message == 0 ? message_limit_ : std::min(message_limit_, state.max_message);
        if (limit < message_least_bytes)
            return no_stream(stream,
                             with_bytes("its max_msg_size is too small", state.max_message));
        sender_.set_limit(limit);
        speaker_.begin_after(std::max(state.last_ms, state.created / 1'000'000));
    }
    if (const auto lost = follower_.stream_is(stream, state)) reunion_.start_over(*lost);
    update();
}

// --- the log -------------------------------------------------------------------------------------

void ClusterEngine::delivered(const Delivery& delivery) {
    const auto read = follower_.read(delivery);
    if (read.lost) reunion_.start_over(*read.lost);
    if (read.heard) on_heard(*read.heard, delivery);
    donor_.on_progress(footing_.is_donor());
    update();
}

// A node that others have ceased to wait for does not know what they have ceased to remember: it is
// judged by what they know.
void ClusterEngine::on_heard(const Heard& heard, const Delivery& delivery) {
    using Hearing = MemberTable::Hearing;
    if (heard.is_own) {
        speaker_.on_heard(heard.header, delivery.sequence, heard.hearing == Hearing::taken);
        count_on_this_node(speaker_.heard_said_ms());
        if (heard.hearing == Hearing::was_forgotten && footing_.is_member)
            reunion_.start_over("this node was silent for too long");
    }
    if (heard.is_own && heard.hearing != Hearing::is_late) {
        footing_.is_member = true;
        // What an earlier connection said may be read only now.
        const bool had_spoken = footing_.has_spoken;
        footing_.has_spoken = had_spoken || heard.header.session == speaker_.session();
        if (!had_spoken) footing_.spoke_at = delivery.sequence;
    }
    if (delivery.stream == own_stream) speaker_.on_read(delivery.sequence);
    if (context_.members[heard.header.node].reads_here) {
        reunion_.judge_era(heard, delivery);
        if (heard.is_claim_granted) reunion_.on_claim(heard, delivery);
    }
    if (heard.header.claims && heard.is_own && !heard.is_claim_granted) watch_.note_void_claim();
    number_.on_heard(heard, speaker_.session());
}

void ClusterEngine::resync() {
    if (context_.knows_its_place()) reunion_.start_over("an operator asked for it");
    update();
}

// --- what becomes of what was said, and of what is asked -----------------------------------------

void ClusterEngine::published(Token token, Sequence sequence) {
    if (speaker_.on_published(token, sequence) && !std::exchange(refusal_, {}).empty())
        state_.note(LogLevel::info, "the broker takes what this node says again");
    update();
}

void ClusterEngine::not_published(Token token, std::string_view why) {
    if (speaker_.on_not_published(token)) {
        announcer_.pause();
        state_.note(LogLevel::debug, "the broker did not take a message: " + std::string(why));
        note_refusal(why);
    }
    update();
}

// For a moment nothing is taken whenever another server is elected.
void ClusterEngine::note_refusal(std::string_view why) {
    if (speaker_.refused_ms() < refusal_told_ms || refusal_ == why) return;
    refusal_ = why;
    state_.note(LogLevel::warning, "the broker takes nothing that this node says: " + refusal_);
}

void ClusterEngine::asked(std::string_view subject, std::string_view payload, std::string_view to) {
    (void)subject;
    donor_.answer(payload, to, footing_.is_donor());
    update();
}

void ClusterEngine::answered(Token token, std::string_view payload, std::string_view) {
    comparison_.answered(token, payload);
    if (comparison_.phase() == Comparison::Phase::met) reunion_.meet_donor();
    update();
}

void ClusterEngine::not_answered(Token token, std::string_view why) {
    comparison_.not_answered(token, why);
    update();
}

void ClusterEngine::told(std::string_view subject, std::string_view payload) {
    if (subject == HintTeller::subject) hints_.hear(payload);
}

void ClusterEngine::on_wake() {
    update();
}

void ClusterEngine::on_timer() {
    update();
}

// --- after every event ---------------------------------------------------------------------------

// What is due is done at each: where events come one upon the other there is no rest in which a
// timer would run out.
void ClusterEngine::update() {
    if (context_.store == nullptr) return;
    follower_.on_time();
    judge_catching_up();
    comparison_.on_time();
    number_.judge_pause();
    clock_.judge();
    reunion_.look_for_donor();
    judge_step();
    const bool is_given =
        comparison_.is_active() && comparison_.phase() != Comparison::Phase::seeking;
    readiness_.judge(is_given ? 0 : speaker_.refused_ms());
    if (footing_.is_in_step && now_.steady_ms >= keeper_.due_ms())
        keeper_.work(footing_.silent, sender_.is_on_its_way());
    if (speaker_.refused_ms() != 0) count_on_this_node(now_.steady_ms);
    watch_.judge();
    attendance_.judge();
    announcer_.speak(reunion_, readiness_);
    const bool gives = footing_.is_donor();
    if (footing_.is_connected && std::exchange(is_serving_, gives) != gives)
        broker_.serve(donor_subject, gives);
    if (footing_.is_in_step && context_.members.live_others() > 0) hints_.tell();
    announcer_.rest(reunion_, readiness_);
    if (auto* gate = context_.sink.changes().gate()) {
        const auto line =
            gate->observe({footing_.is_in_step, speaker_.waiting_ms(), now_.steady_ms});
        if (line) state_.note(gate->is_in_sync() ? LogLevel::info : LogLevel::warning, *line);
    }
    set_deadline();
}

// What a client asked this node to do later it does itself: others take it for gone three
// heartbeats after they have heard of it. If nobody says anything, nobody else does it.
void ClusterEngine::count_on_this_node(std::uint64_t since_ms) noexcept {
    context_.sink.set_counted_on_until(since_ms + 2 * ms_of(options_.heartbeat));
}

// One log is in order; of two, one is read up before the other.
void ClusterEngine::judge_catching_up() {
    const bool is_catching_up =
        footing_.is_connected && context_.stream_count() > 1 && !footing_.has_caught_up(context_);
    if (std::exchange(is_catching_up_, is_catching_up) == is_catching_up) return;
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        context_.with_shard(
            i, [&](storage::Shard&) { context_.sink.removals(i).set_catching_up(is_catching_up); });
    }
}

void ClusterEngine::judge_step() {
    const bool was = footing_.is_in_step;
    footing_.is_in_step = footing_.may_tell_data(context_) && footing_.is_member &&
                          !comparison_.is_active() && context_.sum(&ShardTracking::dirty) == 0 &&
                          (context_.is_reference ||
                           (context_.untold.empty() && context_.sum(&ShardTracking::walking) == 0));
    if (footing_.is_in_step && !was) {
        if (std::exchange(footing_.compares_all, false)) context_.has_missed_nothing = true;
        footing_.is_second = false;
        reunion_.end_loneliness();
        state_.set(ClusterState::in_step, "in step with the log");
    } else if (was && !footing_.is_in_step && footing_.is_connected) {
        state_.set(ClusterState::comparing, "changes that the log could not hold are compared");
    }
}

// What is to be done then was decided at the last event.
void ClusterEngine::set_deadline() noexcept {
    auto at = now_.steady_ms + tick_ms;
    if (footing_.is_in_step && !speaker_.is_waiting())
        at = std::min(speaker_.said_at_ms() + ms_of(options_.heartbeat), keeper_.due_ms());
    if (const auto resume = comparison_.resume_at_ms()) at = std::min(at, *resume);
    deadline_ms_ = std::max(at, now_.steady_ms + 1);
}

void ClusterEngine::begin_drain() {
    footing_.is_draining = true;
    update();
}

// --- reports and warm restart --------------------------------------------------------------------

ClusterReport ClusterEngine::report() const {
    auto report = report_of(context_);
    state_.fill(report);
    report.is_ready = footing_.is_ready;
    report.is_refused = footing_.is_off;
    report.refusal = refusal_;
    if (report.refusal.empty() && footing_.is_connected) report.refusal = follower_.why_no_stream();
    if (!clock_.objection().empty()) report.refusal = clock_.objection();
    if (footing_.is_connected) report.waits_for = follower_.why_not_read();
    if (report.waits_for.empty()) report.waits_for = watch_.reason_told();
    if (report.waits_for.empty()) report.waits_for = follower_.strangers();
    if (report.waits_for.empty()) report.waits_for = attendance_.silent_sites();
    report.stream_doubts = follower_.doubts();
    report.lag_ms = lag_ms();
    attendance_.fill(report);
    return report;
}

// Between two connections nothing is on its way, and what there is to tell waits all the same.
std::uint64_t ClusterEngine::lag_ms() const noexcept {
    const auto on_its_way_ms = speaker_.waiting_ms();
    if (footing_.is_in_step || context_.sum(&ShardTracking::log_entries) == 0) return on_its_way_ms;
    return std::max(on_its_way_ms, speaker_.unheard_ms());
}

std::string ClusterEngine::remember() {
    return write_memory(context_);
}

// A node that was alone knows all that there is to know of its items; one that was not is told. Of
// what another driver has kept nobody can be asked.
lib::Parsed<Recall> ClusterEngine::recall(const Remembered& memory) {
    const auto known = read_memory(memory.hashes_alike ? memory.bytes : "", context_);
    if (!known && is_memory(memory.bytes))
        return std::string("what it tells of the cluster cannot be read by this version");
    footing_.is_unconfirmed = known && !known->was_alone;
    footing_.recalled_era = known ? known->era : 0;
    tell_flushes(context_);
    return known ? Recall::compared : Recall::anew;
}

}  // namespace twincached::replication::nats
