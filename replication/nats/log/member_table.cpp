#include "replication/nats/log/member_table.hpp"

#include <algorithm>

namespace twincached::replication::nats {

void MemberTable::advance(StreamId stream, std::int64_t broker_ms) noexcept {
    auto& time = times_[stream];
    if (time.broker_ms != 0 && broker_ms > time.broker_ms) {
        const auto passed =
            static_cast<std::uint64_t>(broker_ms) - static_cast<std::uint64_t>(time.broker_ms);
        time.log_ms += std::min(passed, limits_.pause_ms);
    }
    time.broker_ms = std::max(time.broker_ms, broker_ms);
}

MemberTable::Hearing MemberTable::hear(
    StreamId stream, std::int64_t broker_ms, const MessageHeader& header,
    const std::array<Sequence, streams_limit>& progress) noexcept {
    advance(stream, broker_ms);
    auto& member = members_[header.node];
    // Asked of who has left, too: what it said before may come after its farewell.
    const bool is_late = header.session < member.session ||
                         (header.session == member.session && header.number <= member.number);
    if (is_late) return Hearing::is_late;
    const bool was_live = is_live(header.node);
    member.is_disbelieved = member.is_disbelieved && header.session == member.session;
    member.disbelieves = header.disbelieved;
    member.is_known = !header.leaves;
    member.is_ready = header.is_ready;
    member.is_in_step = header.is_in_step;
    member.home = stream;
    member.incarnation = header.incarnation;
    member.session = header.session;
    member.number = header.number;
    member.heard_ms = times_[stream].log_ms;
    member.consumed = progress;
    return was_live ? Hearing::taken : Hearing::was_forgotten;
}

bool MemberTable::grant_claim(unsigned node) noexcept {
    if (node == self_ && times_[members_[node].home].log_ms <= limits_.claim_ms) return false;
    for (unsigned other = 0; other < nodes_limit; ++other) {
        const auto& member = members_[other];
        if (other == node || !member.is_known || !member.is_in_step) continue;
        if (member.home != members_[node].home) continue;
        if (silent_ms(other) <= limits_.claim_ms) return false;
    }
    // Who claims may not have heard of those whom others wait for: all are taken in anew, by all.
    for (unsigned other = 0; other < nodes_limit; ++other)
        if (other != node && members_[other].home == members_[node].home)
            members_[other].is_known = false;
    members_[node].is_in_step = true;
    return true;
}

std::uint64_t MemberTable::silent_ms(unsigned node) const noexcept {
    const auto& member = members_[node];
    return times_[member.home].log_ms - std::min(times_[member.home].log_ms, member.heard_ms);
}

bool MemberTable::is_live(unsigned node) const noexcept {
    return members_[node].is_known && silent_ms(node) <= limits_.timeout_ms;
}

bool MemberTable::is_heard(unsigned node, unsigned silent_streams) const noexcept {
    const bool is_silent = (silent_streams >> members_[node].home & 1U) != 0;
    return !is_silent && is_live(node) && silent_ms(node) <= limits_.pause_ms;
}

unsigned MemberTable::live_others() const noexcept {
    unsigned live = 0;
    for (unsigned node = 0; node < nodes_limit; ++node)
        if (node != self_ && is_live(node)) ++live;
    return live;
}

bool MemberTable::has_live_ready(unsigned silent_streams) const noexcept {
    for (unsigned node = 0; node < nodes_limit; ++node) {
        const auto& member = members_[node];
        if ((silent_streams >> member.home & 1U) != 0) continue;
        const bool is_ready = member.is_ready && member.reads_here;
        if (node != self_ && is_live(node) && is_ready) return true;
    }
    return false;
}

bool MemberTable::all_in_step() const noexcept {
    for (unsigned node = 0; node < nodes_limit; ++node) {
        const auto& member = members_[node];
        const bool was_heard = member.session != 0 && silent_ms(node) <= limits_.timeout_ms;
        if (node == self_ || !was_heard) continue;
        if (!member.is_known || !member.is_in_step) return false;
    }
    return true;
}

// This node's own progress needs no word: what it has come past, its store has.
bool MemberTable::all_past(LogPlace place) const noexcept {
    for (unsigned node = 0; node < nodes_limit; ++node) {
        if (node == self_ || !is_live(node)) continue;
        if (members_[node].consumed[place.stream] < place.sequence) return false;
    }
    return true;
}

// Others than this node.
bool MemberTable::is_any_in_step() const noexcept {
    for (unsigned node = 0; node < nodes_limit; ++node) {
        const bool is_in_step = members_[node].is_in_step && members_[node].reads_here;
        if (node != self_ && is_live(node) && is_in_step) return true;
    }
    return false;
}

std::uint8_t MemberTable::disbelieved() const noexcept {
    unsigned nodes = 0;
    for (unsigned node = 0; node < nodes_limit; ++node)
        if (members_[node].is_disbelieved) nodes |= 1U << node;
    return static_cast<std::uint8_t>(nodes);
}

bool MemberTable::nobody_believes(LogPlace said) const noexcept {
    for (unsigned node = 0; node < nodes_limit; ++node) {
        if (node == self_ || !is_live(node)) continue;
        const bool has_read = members_[node].consumed[said.stream] >= said.sequence;
        if (!has_read || (members_[node].disbelieves >> self_ & 1U) == 0) return false;
    }
    return live_others() > 0;
}

void MemberTable::forget(StreamId stream) noexcept {
    times_[stream] = {};
    for (auto& member : members_)
        if (member.home == stream) member = {};
}

}  // namespace twincached::replication::nats
