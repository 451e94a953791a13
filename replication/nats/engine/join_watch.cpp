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
        reason_.clear();
        told_.clear();
        return;
    }
    const bool has_begun = look_at_ms_ != 0;
    if (has_begun && now_ms < look_at_ms_) return;
    look_at_ms_ = now_ms + watch_pause_ms;
    if (!has_begun) since_ms_ = now_ms;
    if (!has_begun) return;
    if (told_.empty() || now_ms >= forget_at_ms_) {
        told_.clear();
        forget_at_ms_ = now_ms + repeat_ms;
    }
    reason_ = reason();
    const bool is_grave = keeps_clients_waiting();
    const auto line =
        (is_grave ? "clients wait, for this node is not in step: " : "not in step yet: ") + reason_;
    if (told_.insert(line).second) state_.note(is_grave ? LogLevel::warning : LogLevel::info, line);
}

// Beyond boot-grace, and nothing comes of what it waits for.
bool JoinWatch::keeps_clients_waiting() const noexcept {
    const bool is_late = context_.now.steady_ms >= since_ms_ + ms_of(context_.options.boot_grace);
    const bool is_given =
        comparison_.is_active() && comparison_.phase() != Comparison::Phase::seeking;
    return is_late && !footing_.is_ready && !is_given;
}

std::string JoinWatch::reason() const {
    if (footing_.is_doubled) return "another node speaks with this one's number";
    auto why = reason_in_log();
    return why.empty() ? reason_beside_log() : why;
}

std::string JoinWatch::reason_in_log() const {
    for (unsigned i = 0; i < context_.stream_count(); ++i) {
        const auto& name = context_.options.streams[i];
        if (!footing_.has_looked_at(i)) return "stream " + name + " is not delivered";
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
