#include "replication/nats/jetstream/stream_finder.hpp"

#include "replication/nats/jetstream/names.hpp"
#include "replication/nats/jetstream/refusals.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace twincached::replication::nats {
namespace {

// Servers of a cluster in which several nodes create a stream at once tell first one time of its
// creation and then, some 20 ms later, another.
constexpr std::chrono::milliseconds settles_within{1000};
// Longer than a server takes to remove a stream, or to make one.
constexpr std::chrono::milliseconds turn{200};
// A server looks itself after ten seconds whether a mirror hears of its origin.
constexpr std::chrono::milliseconds stands_still_for{30'000};
// Of one cluster; each reads by itself.
constexpr unsigned nodes_most = 4;
constexpr int not_found = 404;
constexpr int bad_request = 400;

ApiAnswer<StreamInfo> read(const ApiCalls::Answer& answer) {
    if (answer.has_error()) return answer.error();
    return read_stream_info(*answer);
}

}  // namespace

// A mirror's origin is asked first: if it was made anew, so must the mirror be.
void StreamFinder::look(StreamId stream) {
    if (!looking_.try_emplace(stream).second) return;
    told_.erase(stream);
    if (stream == own_stream) return look_here(stream);
    const auto& site = session_.names().others[stream - 1];
    const auto origin = stream_of(session_.names().cluster, site.name);
    (void)calls_.call({site.domain, "STREAM.INFO", origin},
                      [this, stream](const auto& answer) { on_origin(stream, answer); });
}

void StreamFinder::clear() {
    looking_.clear();
    still_.clear();
    origins_.clear();
    told_.clear();
}

void StreamFinder::on_timer() {
    for (auto& [stream, look] : looking_)
        if (look.again_at && *look.again_at <= session_.now()) {
            look.again_at.reset();
            look_here(stream);
        }
    const auto is_due = [now = session_.now()](const auto& one) {
        return one.second.confirm_at <= now;
    };
    for (;;) {
        const auto due = std::find_if(told_.begin(), told_.end(), is_due);
        if (due == told_.end()) return;
        const auto [stream, told] = *due;
        told_.erase(due);
        confirm(stream, told.created);
    }
}

std::optional<BrokerSettings::Instant> StreamFinder::deadline() const {
    std::optional<BrokerSettings::Instant> first;
    const auto note = [&](BrokerSettings::Instant at) {
        if (!first || at < *first) first = at;
    };
    for (const auto& [stream, told] : told_)
        note(told.confirm_at);
    for (const auto& [stream, look] : looking_)
        if (look.again_at) note(*look.again_at);
    return first;
}

// A node that took another time of creation for the stream's would read another log than its
// neighbours, by all that they know.
void StreamFinder::confirm(StreamId stream, std::int64_t created) {
    (void)calls_.call(request("STREAM.INFO", session_.stream_name(stream)),
                      [this, stream, created](const auto& answer) {
                          const auto info = read(answer);
                          const bool is_other = info.has_value() && info->state.created != created;
                          if (!is_other || looking_.contains(stream)) return;
                          session_.events().consumer_lost(stream, "it is told otherwise by now");
                      });
}

// Of an origin that cannot be reached nothing is known, and its mirror is good as it is.
void StreamFinder::on_origin(StreamId stream, const ApiCalls::Answer& answer) {
    origins_.erase(stream);
    const auto info = read(answer);
    if (info.has_value()) origins_[stream] = info->state;
    look_here(stream);
}

void StreamFinder::look_here(StreamId stream) {
    (void)calls_.call(request("STREAM.INFO", session_.stream_name(stream)),
                      [this, stream](const auto& answer) { on_looked(stream, answer); });
}

// What the broker says in JetStream's place tells nothing of the stream, whatever its number.
void StreamFinder::on_looked(StreamId stream, const ApiCalls::Answer& answer) {
    if (answer.has_error()) return end(stream, answer.error());
    const auto info = read(answer);
    const bool is_missing = info.has_error() && info.error().code == not_found;
    const bool must_go = info.has_value() && is_of_no_use(stream, *info);
    if (!is_missing && !must_go) return end(stream, info);
    const bool was_there = must_go || seen_.contains(stream);
    if (was_there && !looking_[stream].has_waited) return wait_for_turn(stream);
    if (is_missing) return create(stream);
    remove(stream);
}

void StreamFinder::wait_for_turn(StreamId stream) {
    // Several may make the site's own stream: nobody removes that.
    const auto before = stream == own_stream ? 0 : session_.names().node;
    looking_[stream] = {true, session_.now() + turn * (before + 1)};
}

bool StreamFinder::is_of_no_use(StreamId stream, const StreamInfo& info) {
    return is_outdated(stream, info) || stands_still(stream, info.state);
}

bool StreamFinder::is_outdated(StreamId stream, const StreamInfo& info) const {
    const auto origin = origins_.find(stream);
    return origin != origins_.end() && info.state.origin_created != 0 &&
           info.state.origin_created != origin->second.created;
}

// Asked at each look: nodes that hear nothing of a site look again and again.
bool StreamFinder::stands_still(StreamId stream, const StreamState& mirror) {
    const auto origin = origins_.find(stream);
    const bool is_behind = origin != origins_.end() && origin->second.last > mirror.last &&
                           origin->second.first <= origin->second.last;
    if (!is_behind) {
        still_.erase(stream);
        return false;
    }
    auto& still = still_.try_emplace(stream, Standstill{mirror.last, session_.now()}).first->second;
    if (still.at != mirror.last) still = {mirror.last, session_.now()};
    return session_.now() >= still.since + stands_still_for;
}

void StreamFinder::remove(StreamId stream) {
    (void)calls_.call(request("STREAM.DELETE", session_.stream_name(stream)),
                      [this, stream](const auto& answer) {
                          if (answer.has_error()) return end(stream, answer.error());
                          create(stream);  // also if somebody else was faster
                      });
}

void StreamFinder::create(StreamId stream) {
    if (stream != own_stream) return create_mirror(stream);
    const auto& settings = session_.settings();
    request_creation(stream, stream_request(session_.stream_name(stream),
                                            subjects_of_stream(settings.names), settings.stream));
}

void StreamFinder::create_mirror(StreamId stream) {
    const auto& settings = session_.settings();
    const auto& site = settings.names.others[stream - 1];
    const auto origin = origins_.find(stream);
    if (origin == origins_.end())
        return end(stream, ApiError{0, "the site " + site.name + " is not reached"});
    const MirrorOf of{stream_of(settings.names.cluster, site.name), site.domain,
                      origin->second.created};
    request_creation(stream, mirror_request(session_.stream_name(stream), of, settings.stream));
}

void StreamFinder::request_creation(StreamId stream, std::string_view body) {
    (void)calls_.call(request("STREAM.CREATE", session_.stream_name(stream), body),
                      [this, stream](const auto& answer) { on_created(stream, answer); });
}

// What is told of a stream is what it says of itself once it is there: of several who create it at
// the same time each may be given a time of creation of his own. One that somebody else created
// with other settings is good as it is.
void StreamFinder::on_created(StreamId stream, const ApiCalls::Answer& answer) {
    const auto info = read(answer);
    const bool is_there =
        info.has_value() || (!answer.has_error() && info.error().code == bad_request &&
                             info.error().why.find("already in use") != std::string::npos);
    if (!is_there) return end(stream, info.error());
    (void)calls_.call(request("STREAM.INFO", session_.stream_name(stream)),
                      [this, stream](const auto& said) { end(stream, read(said)); });
}

void StreamFinder::end(StreamId stream, const Found& found) {
    looking_.erase(stream);
    if (found.has_error()) return session_.events().no_stream(stream, sentence(found.error()));
    auto state = found->state;
    const auto origin = origins_.find(stream);
    // A mirror that somebody made by hand does not tell of what.
    if (state.origin_created == 0 && origin != origins_.end())
        state.origin_created = origin->second.created;
    state.doubts = doubts_of(found->traits, needs_of(stream));
    told_[stream] = {state.created, session_.now() + settles_within};
    seen_.insert(stream);
    session_.events().stream_is(stream, state);
}

StreamNeeds StreamFinder::needs_of(StreamId stream) const {
    const auto& settings = session_.settings();
    return {stream == own_stream ? subjects_of_stream(settings.names) : "",
            settings.stream.least_age, nodes_most};
}

ApiCalls::Request StreamFinder::request(std::string_view what, std::string_view name,
                                        std::string_view body) const {
    return {session_.names().domain, what, name, body};
}

}  // namespace twincached::replication::nats
