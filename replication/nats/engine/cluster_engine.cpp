#include "replication/nats/engine/cluster_engine.hpp"

#include "replication/nats/engine/cluster_memory.hpp"
#include "replication/nats/engine/starting_over.hpp"
#include "replication/nats/engine/taking_over.hpp"

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
constexpr std::uint64_t tick_ms = 50;

std::uint64_t ms_of(std::chrono::milliseconds ms) noexcept {
    return static_cast<std::uint64_t>(ms.count());
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
      donor_(context_, broker, reader_.arriving()),
      keeper_(context_),
      hints_(context_, broker) {}

void ClusterEngine::attach(storage::Store& store) noexcept {
    context_.store = &store;
    context_.hash_check = store.key(hash_question).hash;
}

void ClusterEngine::start() {
    started_ms_ = cut_off_ms_ = now_.steady_ms;
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
    footing_.is_connected = true;
    footing_.has_spoken = false;
    footing_.is_doubled = false;
    footing_.looked = 0;
    lonely_since_ms_ = seek_at_ms_ = speak_at_ms_ = claimed_ms_ = 0;
    sender_.set_limit(limit);
    comparison_.set_limit(limit);
    donor_.set_limit(limit);
    speaker_.begin_session();
    set_state(footing_.is_ready ? ClusterState::comparing : ClusterState::joining, "connected");
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        look(i);
    broker_.serve("node." + std::to_string(options_.node), true);
    context_.sink.changes().set_hinting(true);
    update();
}

void ClusterEngine::disconnected(std::string_view why) {
    if (!std::exchange(footing_.is_connected, false)) return;
    speaker_.on_disconnected();
    comparison_.disconnect();
    donor_.disconnect();
    footing_.is_in_step = is_serving_ = footing_.has_spoken = false;
    footing_.looked = 0;
    cut_off_ms_ = now_.steady_ms;
    context_.sink.changes().set_hinting(false);
    context_.sink.set_fires_foreign_schedule(true);
    if (auto* gate = context_.sink.changes().gate()) gate->lose_link();
    set_state(ClusterState::disconnected, why);
    update();
}

void ClusterEngine::look(StreamId stream) {
    footing_.lose_look(stream);
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
    if (footing_.is_connected) look(stream);
    update();
}

void ClusterEngine::stream_is(StreamId stream, const StreamState& state) {
    auto& place = context_.places[stream];
    if (!place.goes_on_in(state)) {
        lose_place(stream, place.created != state.created ? "the stream was created anew"
                           : state.last < place.consumed  ? "the stream went back"
                                                          : "the stream has forgotten what this "
                                                            "node had not read");
        place.created = state.created;
        place.epoch = stream == own_stream ? state.created : 0;
        place.consumed = state.last;
    }
    place.last = state.last;
    footing_.note_look(stream, state.last);
    broker_.consume(stream, place.next_to_read());
    update();
}

// --- the log -------------------------------------------------------------------------------------

void ClusterEngine::delivered(const Delivery& delivery) {
    const auto& place = context_.places[delivery.stream];
    if (place.is_other_than_read(delivery)) return on_other_log(delivery.stream);
    if (delivery.sequence <= place.consumed) return;
    if (reader_.tells_of_another_log(delivery) &&
        std::exchange(doubted_, delivery.sequence) != delivery.sequence) {
        broker_.stop_consuming(delivery.stream);
        return look(delivery.stream);
    }
    const auto heard = reader_.read(delivery);
    if (heard.is_own) on_own(heard, delivery.sequence);
    if (delivery.stream == own_stream) speaker_.on_read(delivery.sequence);
    // Two sites may begin alone before either hears of the other: the lower number stays.
    const bool yields = heard.header.claims && !heard.is_own && is_reference_ &&
                        delivery.stream != own_stream && heard.header.node < options_.node;
    if (yields) start_over("another site began alone as well, and all is compared with it");
    if (heard.is_claim_granted) on_claim(heard);
    const bool is_doubled = heard.is_namesakes && heard.hearing != MemberTable::Hearing::is_late &&
                            heard.header.session > speaker_.session();
    if (is_doubled && !std::exchange(footing_.is_doubled, true)) {
        note(LogLevel::error, "another node speaks as node " + std::to_string(options_.node) +
                                  ": this one is silent");
    }
    donor_.on_progress(footing_.is_donor());
    update();
}

// The broker has lost the end of it, and others have spoken since.
void ClusterEngine::on_other_log(StreamId stream) {
    broker_.stop_consuming(stream);
    lose_place(stream, "the stream went back, and on");
    look(stream);
    update();
}

// A node that others have ceased to wait for does not know what they have ceased to remember: it is
// judged by what they know.
void ClusterEngine::on_own(const Heard& heard, Sequence sequence) {
    speaker_.on_heard(heard.header, sequence, heard.hearing == MemberTable::Hearing::taken);
    if (heard.hearing == MemberTable::Hearing::is_late) return;
    const bool was_forgotten = heard.hearing == MemberTable::Hearing::was_forgotten;
    if (was_forgotten && footing_.is_member) start_over("this node was silent for too long");
    footing_.is_member = true;
    // What an earlier connection said may be read only now.
    footing_.has_spoken = footing_.has_spoken || heard.header.session == speaker_.session();
}

void ClusterEngine::on_claim(const Heard& heard) {
    if (heard.is_own) return become_reference();
    lonely_since_ms_ = 0;
    if (!context_.knows_its_place()) return;
    // Who has lost its place may not have read what stands in the log.
    if (heard.header.streams[0].consumed == 0) tell_removals_again(context_);
    const auto name = "node " + std::to_string(heard.header.node);
    start_over(name + " begins alone, and all is compared with it");
}

// Nobody is in step, and this node is the one with which the others compare what they hold.
void ClusterEngine::become_reference() {
    comparison_.disconnect();
    is_reference_ = true;
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        context_.places[i].is_known = true;
    settle_as_reference(context_, sender_);
    note(LogLevel::info,
         "nobody else is in step: others will compare what they hold with this node");
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

void ClusterEngine::asked(std::string_view subject, std::string_view payload, std::string_view to) {
    (void)subject;
    donor_.answer(payload, to, footing_.is_donor());
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
    if (subject == HintTeller::subject) hints_.hear(payload);
}

void ClusterEngine::on_wake() {
    update();
}

void ClusterEngine::on_timer() {
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        if (footing_.is_connected && look_at_ms_[i] != 0 && now_.steady_ms >= look_at_ms_[i])
            look(i);
    comparison_.on_time();
    update();
}

// --- where this node stands ----------------------------------------------------------------------

bool ClusterEngine::may_claim() const noexcept {
    if (!footing_.has_caught_up(context_) || !footing_.has_spoken || footing_.is_in_step ||
        lonely_since_ms_ == 0)
        return false;
    if (comparison_.is_active() && comparison_.phase() != Comparison::Phase::seeking) return false;
    // Who was not the last to stop lets the one who was go first.
    const auto grace = ms_of(options_.boot_grace) * (footing_.is_unconfirmed ? 2 : 1);
    if (now_.steady_ms < lonely_since_ms_ + grace || now_.steady_ms < claimed_ms_ + grace)
        return false;
    // An empty node waits for those who have something.
    return footing_.is_ready || !context_.members.has_live_ready();
}

SelfDescription ClusterEngine::description() const noexcept {
    return {.is_ready = footing_.is_ready,
            .is_in_step = footing_.is_in_step,
            .claims = false,
            // What is in buckets that are compared is in no message yet.
            .leaves = footing_.is_draining && footing_.is_in_step && !sender_.has_work() &&
                      !sender_.is_on_its_way()};
}

void ClusterEngine::lose_place(StreamId stream, std::string_view why) {
    const bool was_known = std::exchange(context_.places[stream], {}).is_known;
    footing_.is_member = footing_.has_spoken = false;
    context_.members.forget(stream);
    reader_.forget_arriving();
    if (stream == own_stream) context_.published = 0;
    if (!was_known) return;
    tell_removals_again(context_);
    start_over(why);
}

// All is compared with another node. What was not told becomes a mark on its bucket (rule R12).
void ClusterEngine::start_over(std::string_view why) {
    footing_.is_in_step = is_reference_ = false;
    if (sender_.is_on_its_way()) sender_.on_lost();
    comparison_.disconnect();
    if (auto* gate = context_.sink.changes().gate()) gate->lose_link();
    mark_all_dirty(context_);
    context_.counters.add(ClusterCounter::comparisons);
    seek_at_ms_ = lonely_since_ms_ = 0;
    if (footing_.is_connected)
        set_state(footing_.is_ready ? ClusterState::comparing : ClusterState::joining, why);
}

void ClusterEngine::resync() {
    if (context_.knows_its_place()) start_over("an operator asked for it");
    update();
}

void ClusterEngine::look_for_donor() {
    if (!footing_.has_looked(context_) || comparison_.is_active() || footing_.is_in_step) return;
    const bool lacks = !context_.knows_its_place() || context_.sum(&ShardTracking::dirty) > 0;
    if (comparison_.is_lonely() && lonely_since_ms_ == 0) lonely_since_ms_ = now_.steady_ms;
    if (!lacks || now_.steady_ms < seek_at_ms_) return;
    seek_at_ms_ = now_.steady_ms + seek_pause_ms;
    comparison_.seek();
}

// --- what a donor gives --------------------------------------------------------------------------

void ClusterEngine::take_over() {
    const auto& state = comparison_.state();
    lonely_since_ms_ = 0;
    take_registers(context_, state);
    if (!context_.knows_its_place()) {
        if (!take_place(context_, broker_, state)) return comparison_.stop();
        // What this node has said may be read again, and is judged then.
        footing_.is_member = footing_.has_spoken =
            footing_.has_spoken && context_.members.is_live(options_.node);
        const auto heard = context_.members[options_.node].session;
        if (heard >= speaker_.session() && !speaker_.is_waiting()) speaker_.begin_session();
    }
    footing_.is_unconfirmed = false;
    comparison_.go_on();
}

// --- after every event ---------------------------------------------------------------------------

void ClusterEngine::update() {
    if (context_.store == nullptr) return;
    look_for_donor();
    judge_step();
    judge_readiness();
    if (footing_.is_in_step && now_.steady_ms >= keeper_.due_ms())
        keeper_.release(sender_.is_on_its_way());
    speak();
    serve();
    if (footing_.is_in_step && context_.members.live_others() > 0) hints_.tell();
    rest();
    set_deadline();
}

void ClusterEngine::judge_step() {
    const bool was = footing_.is_in_step;
    footing_.is_in_step = footing_.may_tell_data(context_) && footing_.is_member &&
                          !comparison_.is_active() && context_.sum(&ShardTracking::dirty) == 0 &&
                          (is_reference_ || context_.sum(&ShardTracking::walking) == 0);
    if (footing_.is_in_step && !was) {
        lonely_since_ms_ = 0;
        set_state(ClusterState::in_step, "in step with the log");
    } else if (was && !footing_.is_in_step && footing_.is_connected) {
        set_state(ClusterState::comparing, "changes that the log could not hold are compared");
    }
}

void ClusterEngine::judge_readiness() {
    if (footing_.is_ready) return;
    if (footing_.is_in_step) return become_ready("in step with the log");
    if (started_ms_ == 0) return;
    const bool is_cut_off = now_.steady_ms >= cut_off_ms_ + ms_of(options_.boot_grace);
    if (!footing_.has_looked(context_) && is_cut_off) {
        drop_unconfirmed();
        return become_ready("alone: the broker could not be reached");
    }
    if (now_.steady_ms >= started_ms_ + ms_of(options_.sync_serve))
        become_ready("it has waited for too long");
}

void ClusterEngine::drop_unconfirmed() {
    if (!std::exchange(footing_.is_unconfirmed, false)) return;
    drop_items(context_);
    note(LogLevel::warning, "the items of before the restart are dropped: nobody confirmed them");
}

void ClusterEngine::become_ready(std::string_view why) {
    footing_.is_ready = true;
    note(LogLevel::info, "ready: " + std::string(why));
    owner_.ready();
}

void ClusterEngine::speak() {
    if (!footing_.has_caught_up(context_) || footing_.is_doubled || footing_.is_drained) return;
    if (speaker_.is_waiting() || now_.steady_ms < speak_at_ms_) return;
    auto self = description();
    if (may_claim()) {
        claimed_ms_ = now_.steady_ms;
        drop_unconfirmed();
        self.claims = true;
        return speaker_.say(self);
    }
    if (may_tell_more() && speaker_.say_data(self)) return;
    self = description();
    const bool is_due = now_.steady_ms >= speaker_.said_at_ms() + ms_of(options_.heartbeat);
    auto said = speaker_.said_last();
    said.claims = false;
    if (is_due || !footing_.has_spoken || said != self) speaker_.say(self);
}

bool ClusterEngine::may_tell_more() const noexcept {
    return footing_.may_tell_data(context_) && !sender_.is_on_its_way() && sender_.has_work();
}

void ClusterEngine::serve() {
    if (!footing_.is_connected) return;
    const bool gives = footing_.is_donor();
    if (std::exchange(is_serving_, gives) != gives) broker_.serve(donor_subject, gives);
}

// Before the thread rests the sink is asked to wake it, if there is anybody to tell.
void ClusterEngine::rest() {
    auto& changes = context_.sink.changes();
    const bool listens = footing_.may_tell_data(context_) && !speaker_.is_waiting();
    changes.set_resting(listens);
    if (listens && now_.steady_ms >= speak_at_ms_ && may_tell_more()) {
        changes.set_resting(false);
        speak();
    }
    const bool has_left = speaker_.said_last().leaves && !speaker_.is_waiting();
    if (footing_.is_draining && !footing_.is_drained &&
        (has_left || !footing_.may_tell_data(context_))) {
        footing_.is_drained = true;
        owner_.drained();
    }
    if (auto* gate = changes.gate()) {
        const auto line =
            gate->observe({footing_.is_in_step, speaker_.waiting_ms(), now_.steady_ms});
        if (line) note(LogLevel::info, *line);
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
    report.is_ready = footing_.is_ready;
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

std::string ClusterEngine::remember() {
    return write_memory(context_);
}

// A node that was alone knows all that there is to know of its items; one that was not is told. Of
// what another driver has kept nobody can be asked.
lib::Parsed<Recall> ClusterEngine::recall(const Remembered& memory) {
    const auto known = read_memory(memory.hashes_alike ? memory.bytes : "", context_);
    footing_.is_unconfirmed = known && !known->was_alone;
    return Recall::anew;
}

}  // namespace twincached::replication::nats
