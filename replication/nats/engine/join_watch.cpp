#include "replication/nats/engine/join_watch.hpp"

namespace twincached::replication::nats {
namespace {

constexpr std::uint64_t watch_pause_ms = 1000;
constexpr std::uint64_t repeat_ms = 60'000;

}  // namespace

void JoinWatch::judge() {
    const auto now_ms = context_.now.steady_ms;
    if (!footing_.is_connected || footing_.is_in_step) {
        look_at_ms_ = 0;
        is_claim_void_ = false;
        told_.clear();
        return;
    }
    const bool has_begun = look_at_ms_ != 0;
    if (has_begun && now_ms < look_at_ms_) return;
    look_at_ms_ = now_ms + watch_pause_ms;
    if (!has_begun) return;
    if (told_.empty() || now_ms >= forget_at_ms_) {
        told_.clear();
        forget_at_ms_ = now_ms + repeat_ms;
    }
    const auto why = reason();
    if (told_.insert(why).second) state_.note(LogLevel::info, "not in step yet: " + why);
}

std::string JoinWatch::reason() const {
    if (footing_.is_doubled) return "another node speaks with this one's number";
    auto why = reason_in_log();
    return why.empty() ? reason_beside_log() : why;
}

std::string JoinWatch::reason_in_log() const {
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        const auto& name = context_.options.streams[i];
        if (!footing_.has_looked_at(i)) return "stream " + name + " has not been found";
        if (context_.places[i].consumed < footing_.catch_up_to[i])
            return "stream " + name + " is being read";
    }
    return footing_.has_spoken ? "" : "what it said has not been read in the log";
}

std::string JoinWatch::reason_beside_log() const {
    using Phase = Comparison::Phase;
    if (!comparison_.trouble().empty()) {
        return comparison_.trouble() +
               (is_claim_void_ ? "; and it may not begin alone, for others are in step" : "");
    }
    if (comparison_.phase() == Phase::seeking) return "a donor is asked";
    if (comparison_.is_active())
        return "node " + std::to_string(comparison_.donor()) + " gives what is lacking";
    if (!context_.knows_its_place()) return "it does not know its place in the log";
    if (!footing_.is_member) return "the others have not taken it in";
    return "buckets are to be compared, or told";
}

}  // namespace twincached::replication::nats
