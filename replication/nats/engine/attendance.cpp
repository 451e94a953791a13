#include "replication/nats/engine/attendance.hpp"

#include <utility>

namespace twincached::replication::nats {

void Attendance::judge() {
    note_words();
    for (StreamId stream = own_stream + 1; stream < context_.stream_count(); ++stream)
        judge_site(stream);
    if (!footing_.has_caught_up(context_)) return;  // what is read is of long ago
    for (unsigned node = 0; node < nodes_limit; ++node)
        if (node != context_.options.node) judge_member(node);
}

void Attendance::note_words() noexcept {
    for (unsigned node = 0; node < nodes_limit; ++node) {
        const auto& member = context_.members[node];
        auto& word = words_[node];
        if (word.session == member.session && word.number == member.number) continue;
        word = {member.session, member.number, context_.now.steady_ms};
    }
}

// Without a broker it is neither silent nor heard: what was told stays so.
void Attendance::judge_site(StreamId stream) {
    auto& since_ms = silent_since_ms_[stream];
    if (!footing_.is_connected || !footing_.is_silent(stream)) {
        since_ms = 0;
    } else if (since_ms == 0) {
        since_ms = context_.now.steady_ms;
    }
    auto& told = told_of_sites_[stream];
    if (is_gone(stream) && may_tell(told)) {
        told = {true, context_.now.steady_ms};
        state_.note(LogLevel::warning, name_of(stream) +
                                           ": that site is not heard; each of the two goes on by "
                                           "itself");
    }
    if (footing_.is_connected && since_ms == 0 && std::exchange(told.is_gone, false))
        state_.note(LogLevel::info, name_of(stream) + ": that site is heard again");
}

// By what the log says: as long as nobody can say anything nobody ceases to be waited for. Who has
// left, or is to be taken in anew, has not fallen silent.
void Attendance::judge_member(unsigned node) {
    auto& told = told_of_members_[node];
    const auto name = "node " + std::to_string(node);
    const auto bit = 1U << node;
    if (context_.members.is_live(node)) {
        waited_for_ |= bit;
        if (std::exchange(told.is_gone, false))
            state_.note(LogLevel::info, name + " is heard again");
    } else if (!context_.members[node].is_known) {
        waited_for_ &= ~bit;
    } else if ((waited_for_ & bit) != 0 && may_tell(told)) {
        waited_for_ &= ~bit;
        told = {true, context_.now.steady_ms};
        state_.note(LogLevel::warning,
                    name + " is not waited for any more: it was not heard for member-timeout");
    }
}

// What has just been connected says something at a heartbeat, or some later.
bool Attendance::is_gone(StreamId stream) const noexcept {
    const auto patience_ms = silent_heartbeats * ms_of(context_.options.heartbeat);
    const auto since_ms = silent_since_ms_[stream];
    return since_ms != 0 && context_.now.steady_ms >= since_ms + patience_ms;
}

// Who comes and goes all the time is told of once a minute.
bool Attendance::may_tell(const Told& told) const noexcept {
    const bool is_new = told.at_ms == 0 || context_.now.steady_ms >= told.at_ms + said_again_ms;
    return !told.is_gone && is_new;
}

std::string Attendance::name_of(StreamId stream) const {
    return "stream " + context_.options.streams[stream];
}

std::string Attendance::silent_sites() const {
    std::string sites;
    for (StreamId stream = own_stream + 1; stream < context_.stream_count(); ++stream) {
        if (!is_gone(stream)) continue;
        sites += (sites.empty() ? "" : "; ") + name_of(stream) + ": that site is not heard";
    }
    return sites;
}

bool Attendance::hears(unsigned node) const noexcept {
    const auto& members = context_.members;
    const bool is_cut_off = !footing_.is_connected || footing_.is_silent(members[node].home);
    const auto silent_ms = context_.now.steady_ms - words_[node].at_ms;
    return !is_cut_off && members.is_live(node) &&
           silent_ms <= ms_of(context_.options.member_timeout);
}

void Attendance::fill(ClusterReport& report) const noexcept {
    report.live_members = 0;
    for (unsigned node = 0; node < nodes_limit; ++node) {
        report.members[node].is_live = hears(node);
        if (hears(node) && node != context_.options.node) ++report.live_members;
    }
}

}  // namespace twincached::replication::nats
