#include "replication/nats/engine/log_follower.hpp"

#include "replication/nats/engine/starting_over.hpp"

#include <string>
#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr std::uint64_t look_pause_ms = 500;
// What ends a consumer may end the next one, too, and at once.
constexpr std::uint64_t lost_pause_ms = 100;

// What a refusal ends with whose number is JetStream's for that, as HTTP's.
constexpr std::string_view nobody_leads = "(503)";

constexpr std::string_view is_said_by_strangers =
    "what is said there has another secret, or is of no node";
constexpr std::string_view lacks_what_was_not_read = "the stream lacks what this node had not read";

std::string_view why_lost(const StreamPlace& place, const StreamState& state) noexcept {
    if (place.created == 0) return "the other site is reached for the first time";
    if (place.created != state.created || !place.may_be_of(state.origin_created))
        return "the stream was created anew";
    if (state.last < place.consumed) return "the stream went back";
    if (place.goes_on_in(state)) return lacks_what_was_not_read;
    return "the stream has forgotten what this node had not read";
}

}  // namespace

void LogFollower::begin() {
    began_ms_ = context_.now.steady_ms;
    said_of_ = {};
    unread_ = {};
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        footing_.note_silence(i, i != own_stream);
        if (!has_begun_) was_read_[i] = context_.places[i].created != 0;
        look(i);
    }
    has_begun_ = true;
}

void LogFollower::look(StreamId stream) {
    // What has never been there yet is not waited for again.
    if (was_read_[stream]) footing_.lose_look(stream);
    found_[stream].reset();
    heard_at_ms_[stream] = looked_at_ms_[stream] = context_.now.steady_ms;
    look_at_ms_[stream] = 0;
    waits_in_vain_[stream] = false;
    broker_.look(stream);
}

void LogFollower::on_time() {
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        const bool is_due = look_at_ms_[i] != 0 && context_.now.steady_ms >= look_at_ms_[i];
        if (footing_.is_connected && is_due) look(i);
    }
    look_at_silent_streams();
}

// It is read on meanwhile.
void LogFollower::look_at_silent_streams() {
    const auto silence_ms = silent_heartbeats * ms_of(context_.options.heartbeat);
    for (StreamId i = 0; i < context_.stream_count(); ++i) {
        const bool is_silent = context_.now.steady_ms >= heard_at_ms_[i] + silence_ms;
        if (!footing_.has_looked_at(i) || !is_silent || !may_wait_in_vain(i)) continue;
        heard_at_ms_[i] = context_.now.steady_ms;
        footing_.note_silence(i, i != own_stream);
        waits_in_vain_[i] = context_.places[i].consumed < footing_.catch_up_to[i];
        broker_.look(i);
    }
}

// What a mirror copies may have been made anew, which it does not notice. The site's own stream may
// have been after it was looked at, and what is to be read not be there any more: who has not read
// all says nothing itself, and if nobody else does nothing comes.
bool LogFollower::may_wait_in_vain(StreamId stream) const noexcept {
    return stream != own_stream || context_.places[stream].consumed < footing_.catch_up_to[stream];
}

void LogFollower::no_stream(StreamId stream, std::string_view why) {
    if (std::exchange(said_of_[stream], why) != why) {
        state_.note(LogLevel::warning,
                    "stream " + context_.options.streams[stream] + ": " + std::string(why));
    }
    look_at_ms_[stream] = context_.now.steady_ms + look_pause_ms;
    begin_without(stream);
}

// Of a site that was never read nothing is waited for: this one begins without it.
void LogFollower::begin_without(StreamId stream) {
    const auto grace_ms = ms_of(context_.options.boot_grace);
    const bool may_wait = context_.now.steady_ms < began_ms_ + grace_ms;
    if (stream == own_stream || was_read_[stream] || may_wait) return;
    footing_.note_look(stream, 0);
    footing_.note_silence(stream, true);
}

void LogFollower::reading(StreamId stream) {
    unread_[stream].clear();
    was_read_[stream] = true;
    if (const auto end = std::exchange(found_[stream], std::nullopt))
        footing_.note_look(stream, *end);
}

// A server that has lost most of the others still tells of a stream that it led, and lets nobody
// read it. A node that has to read first says nothing, and would never hear that nothing is taken.
const std::string& LogFollower::why_no_stream() const noexcept {
    const auto& gone = said_of_[own_stream];
    const auto& unread = unread_[own_stream];
    return gone.empty() && unread.ends_with(nobody_leads) ? unread : gone;
}

std::string LogFollower::why_not_read() const {
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        const auto& why = said_of_[i].empty() ? unread_[i] : said_of_[i];
        if (!why.empty()) return "stream " + context_.options.streams[i] + ": " + why;
    }
    return {};
}

std::string LogFollower::doubts() const {
    std::string all;
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        if (said_in_doubt_[i].empty()) continue;
        all += (all.empty() ? "stream " : "; stream ") + context_.options.streams[i] + ": " +
               said_in_doubt_[i];
    }
    return all;
}

std::string LogFollower::strangers() const {
    std::string where;
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        const auto at_ms = strangers_at_ms_[i];
        if (at_ms == 0 || context_.now.steady_ms >= at_ms + said_again_ms) continue;
        where += (where.empty() ? "stream " : "; stream ") + context_.options.streams[i] + ": " +
                 std::string(is_said_by_strangers);
    }
    return where;
}

void LogFollower::consumer_lost(StreamId stream, std::string_view why) {
    const auto now_ms = context_.now.steady_ms;
    auto& said = said_of_end_[stream];
    if (said.why != why || now_ms >= said.at_ms + said_again_ms) {
        said = {std::string(why), now_ms};
        state_.note(LogLevel::info, "stream " + context_.options.streams[stream] + ": " + said.why);
    }
    if (!footing_.is_connected) return;
    unread_[stream] = why;
    begin_without(stream);
    if (now_ms >= looked_at_ms_[stream] + lost_pause_ms) return look(stream);
    if (was_read_[stream]) footing_.lose_look(stream);
    look_at_ms_[stream] = looked_at_ms_[stream] + lost_pause_ms;
}

LogFollower::Lost LogFollower::stream_is(StreamId stream, const StreamState& stream_state) {
    said_of_[stream].clear();
    if (std::exchange(said_in_doubt_[stream], stream_state.doubts) != stream_state.doubts &&
        !stream_state.doubts.empty()) {
        state_.note(LogLevel::warning,
                    "stream " + context_.options.streams[stream] +
                        " is set otherwise than a node would have it: " + stream_state.doubts);
    }
    auto& place = context_.places[stream];
    Lost lost;
    // The end of it was taken out: the broker counts what is not there any more.
    const bool lacks_its_end = std::exchange(waits_in_vain_[stream], false);
    if (lacks_its_end || !place.goes_on_in(stream_state)) {
        const auto why = why_lost(place, stream_state);
        if (lose_place(stream)) lost = why;
        place.created = stream_state.created;
        place.consumed = stream_state.last;
    }
    if (place.epoch == 0) place.epoch = stream_state.origin_created;
    place.last = stream_state.last;
    found_[stream] = stream_state.last;
    place.next = place.next_to_read(stream_state.last);
    broker_.consume(stream, place.next);
    return lost;
}

LogFollower::Read LogFollower::read(const Delivery& delivery) {
    auto& place = context_.places[delivery.stream];
    // The broker has lost the end of it, and others have spoken since.
    if (place.is_other_than_read(delivery))
        return leave(delivery.stream, "the stream went back, and on");
    if (place.is_behind_a_gap(delivery)) return leave(delivery.stream, lacks_what_was_not_read);
    place.next = delivery.sequence + 1;
    if (delivery.sequence <= place.consumed) return {};
    waits_in_vain_[delivery.stream] = false;
    if (is_doubtful(delivery)) {
        broker_.stop_consuming(delivery.stream);
        look(delivery.stream);
        return {};
    }
    heard_at_ms_[delivery.stream] = context_.now.steady_ms;
    footing_.note_silence(delivery.stream, false);
    const auto heard = reader_.read(delivery);
    if (!heard.is_message) {
        strangers_at_ms_[delivery.stream] = context_.now.steady_ms;
        warn_of(delivery.stream, said_of_strangers_ms_, is_said_by_strangers);
    }
    if (heard.is_disbelieved)
        warn_of(delivery.stream, said_of_clock_ms_,
                "node " + std::to_string(heard.header.node) +
                    " is not believed: its clock is further ahead than clock-max-ahead");
    return {heard, {}};
}

void LogFollower::warn_of(StreamId stream, std::uint64_t& said_at_ms, std::string_view what) {
    const auto now_ms = context_.now.steady_ms;
    if (said_at_ms != 0 && now_ms < said_at_ms + said_again_ms) return;
    said_at_ms = now_ms;
    state_.note(LogLevel::warning,
                "stream " + context_.options.streams[stream] + ": " + std::string(what));
}

// What is there now is looked at, and another node asked for its place in it.
LogFollower::Read LogFollower::leave(StreamId stream, std::string_view why) {
    broker_.stop_consuming(stream);
    const bool was_known = lose_place(stream);
    look(stream);
    return {{}, was_known ? Lost(why) : Lost()};
}

// Each message is looked at once; and in a mirror, which may stay another one for long if its
// origin cannot be reached, not all at the same time.
bool LogFollower::is_doubtful(const Delivery& delivery) {
    if (!reader_.tells_of_another_log(delivery)) return false;
    auto& doubt = doubts_[delivery.stream];
    if (doubt.sequence == delivery.sequence) return false;
    const auto now_ms = context_.now.steady_ms;
    if (delivery.stream != own_stream && now_ms < doubt.at_ms + look_pause_ms) return false;
    doubt = {delivery.sequence, now_ms};
    return true;
}

bool LogFollower::lose_place(StreamId stream) {
    const bool was_known = std::exchange(context_.places[stream], {}).is_known;
    context_.has_missed_nothing = false;
    footing_.is_member = footing_.has_spoken = false;
    footing_.lose_look(stream);
    context_.members.forget(stream);
    reader_.forget_arriving();
    if (stream == own_stream) context_.published = 0;
    if (was_known) unplace_removals(context_);
    return was_known;
}

}  // namespace twincached::replication::nats
