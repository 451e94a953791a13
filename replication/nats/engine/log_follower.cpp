#include "replication/nats/engine/log_follower.hpp"

#include "replication/nats/engine/starting_over.hpp"

#include <string>
#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr std::uint64_t look_pause_ms = 500;

std::string_view why_lost(const StreamPlace& place, const StreamState& state) noexcept {
    if (place.created != state.created) return "the stream was created anew";
    if (state.last < place.consumed) return "the stream went back";
    return "the stream has forgotten what this node had not read";
}

}  // namespace

void LogFollower::begin() {
    for (unsigned i = 0; i < context_.stream_count(); ++i)
        look(i);
}

void LogFollower::look(StreamId stream) {
    footing_.lose_look(stream);
    look_at_ms_[stream] = 0;
    broker_.look(stream);
}

void LogFollower::on_time() {
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        const bool is_due = look_at_ms_[i] != 0 && context_.now.steady_ms >= look_at_ms_[i];
        if (footing_.is_connected && is_due) look(i);
    }
}

void LogFollower::no_stream(StreamId stream, std::string_view why) {
    state_.note(LogLevel::warning,
                "stream " + context_.options.streams[stream] + ": " + std::string(why));
    look_at_ms_[stream] = context_.now.steady_ms + look_pause_ms;
}

void LogFollower::consumer_lost(StreamId stream, std::string_view why) {
    state_.note(LogLevel::info,
                "stream " + context_.options.streams[stream] + ": " + std::string(why));
    if (footing_.is_connected) look(stream);
}

LogFollower::Lost LogFollower::stream_is(StreamId stream, const StreamState& stream_state) {
    auto& place = context_.places[stream];
    Lost lost;
    if (!place.goes_on_in(stream_state)) {
        const auto why = why_lost(place, stream_state);
        if (lose_place(stream)) lost = why;
        place.created = stream_state.created;
        place.epoch = stream == own_stream ? stream_state.created : 0;
        place.consumed = stream_state.last;
    }
    place.last = stream_state.last;
    footing_.note_look(stream, stream_state.last);
    broker_.consume(stream, place.next_to_read());
    return lost;
}

LogFollower::Read LogFollower::read(const Delivery& delivery) {
    const auto& place = context_.places[delivery.stream];
    if (place.is_other_than_read(delivery)) {
        // The broker has lost the end of it, and others have spoken since.
        broker_.stop_consuming(delivery.stream);
        const bool was_known = lose_place(delivery.stream);
        look(delivery.stream);
        return {{}, was_known ? Lost("the stream went back, and on") : Lost()};
    }
    if (delivery.sequence <= place.consumed) return {};
    if (reader_.tells_of_another_log(delivery) &&
        std::exchange(doubted_, delivery.sequence) != delivery.sequence) {
        broker_.stop_consuming(delivery.stream);
        look(delivery.stream);
        return {};
    }
    return {reader_.read(delivery), {}};
}

bool LogFollower::lose_place(StreamId stream) {
    const bool was_known = std::exchange(context_.places[stream], {}).is_known;
    footing_.is_member = footing_.has_spoken = false;
    context_.members.forget(stream);
    reader_.forget_arriving();
    if (stream == own_stream) context_.published = 0;
    if (was_known) tell_removals_again(context_);
    return was_known;
}

}  // namespace twincached::replication::nats
