#include "replication/nats/engine/attendance.hpp"

namespace twincached::replication::nats {

void Attendance::judge() noexcept {
    for (unsigned node = 0; node < nodes_limit; ++node) {
        const auto& member = context_.members[node];
        auto& word = words_[node];
        if (word.session == member.session && word.number == member.number) continue;
        word = {member.session, member.number, context_.now.steady_ms};
    }
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
