#include "replication/nats/engine/node_state.hpp"

#include <utility>

namespace twincached::replication::nats {

void NodeState::set(ClusterState state, std::string_view why) {
    if (std::exchange(state_, state) != state) since_ms_ = now_.steady_ms;
    note(LogLevel::info, std::string(name_of(state)) + ": " + std::string(why));
}

void NodeState::note(LogLevel level, std::string_view line) {
    if (level != LogLevel::debug) last_event_ = line;
    owner_.log(level, line);
}

void NodeState::fill(ClusterReport& report) const {
    report.state = state_;
    report.state_since_ms = since_ms_;
    report.last_event = last_event_;
}

}  // namespace twincached::replication::nats
