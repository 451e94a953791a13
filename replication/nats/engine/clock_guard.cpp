#include "replication/nats/engine/clock_guard.hpp"

#include "replication/nats/engine/starting_over.hpp"

#include <utility>

namespace twincached::replication::nats {

void ClockGuard::judge() {
    if (footing_.is_off) return come_back();
    if (!footing_.has_spoken) return;
    was_ahead_ = has_written_ahead();
    if (was_ahead_)
        return object("others refuse what this node tells: its clock is",
                      context_.store->version_time() >> 10);
    const auto refused = context_.counters.get(ClusterCounter::versions_refused);
    if (!is_behind()) {
        refused_ = refused;
    } else if (refused != refused_) {
        object("this node refuses what others tell: its clock is", wall_version_ms(context_.now));
    }
}

bool ClockGuard::has_written_ahead() const noexcept {
    return context_.members.nobody_believes({own_stream, footing_.spoke_at}) &&
           !context_.brokers_gate().admits_time(context_.store->version_time());
}

// The wall clock alone: version time may be led by one that was wrong.
bool ClockGuard::is_ahead() const noexcept {
    return wall_version_ms(context_.now) >
           context_.brokers_version_ms() + context_.options.clock_max_ahead_ms;
}

bool ClockGuard::is_behind() const noexcept {
    return context_.brokers_version_ms() >
           wall_version_ms(context_.now) + context_.options.clock_max_ahead_ms;
}

void ClockGuard::object(std::string_view what, std::uint64_t own_ms) {
    const auto broker_ms = context_.brokers_version_ms();
    const bool is_later = own_ms > broker_ms;
    const auto apart_ms = is_later ? own_ms - broker_ms : broker_ms - own_ms;
    objection_ = std::string(what) + ' ' + std::to_string(apart_ms / 1000) +
                 (is_later ? " s ahead of the NATS server's" : " s behind the NATS server's") +
                 ", and clock-max-ahead is " +
                 std::to_string(context_.options.clock_max_ahead_ms / 1000) + " s";
    footing_.is_off = true;
    state_.note(LogLevel::warning, objection_);
    reunion_.start_over("this node's clock is wrong");
}

void ClockGuard::come_back() {
    if (is_ahead() || is_behind() || speaker_.is_waiting()) return;
    footing_.is_off = false;
    objection_.clear();
    refused_ = context_.counters.get(ClusterCounter::versions_refused);
    if (!std::exchange(was_ahead_, false))
        return reunion_.start_over("the clock is right again, and all is compared");
    correct_versions(context_);
    state_.note(
        LogLevel::warning,
        "the clock is right again: versions that were given while it was ahead are corrected");
    // Others judge what this node tells by sessions.
    speaker_.begin_session();
    footing_.has_spoken = false;
    reunion_.start_over("all is compared");
}

}  // namespace twincached::replication::nats
