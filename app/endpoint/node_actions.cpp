#include "app/endpoint/node_actions.hpp"

#include "app/endpoint/node_view.hpp"

#include <fmt/format.h>

#include <string_view>

namespace twincached::app {
namespace {

bool is_primary(const replication::Replicator& replicator) {
    Standing standing;
    replicator.stats(
        [&](const lib::Figure& figure, std::string_view value) { standing.take(figure, value); });
    return standing.role == "primary";
}

}  // namespace

std::string hand_over_role(replication::Replicator& replicator) {
    if (!is_primary(replicator)) return {};
    const auto ordered = replicator.order(replication::Order::switch_over);
    if (!ordered.is_taken) return "; it stays the primary: " + ordered.sentence;
    return "; " + ordered.sentence;
}

Verdict NodeActions::act(const Action& action) const {
    using replication::Order;
    switch (action.kind) {
        case Action::Kind::drain:
            return drain();
        case Action::Kind::undrain:
            return undrain();
        case Action::Kind::promote:
            return order(Order::promote, "promote");
        case Action::Kind::switch_over:
            return order(Order::switch_over, "switchover");
        case Action::Kind::resync:
            return order(Order::resync, "resync");
        case Action::Kind::log_level:
            return set_verbosity(action.verbosity);
    }
    return {};
}

Verdict NodeActions::drain() const {
    if (parts_.phase.is_stopping()) return {false, "this node is stopping, and not ready already"};
    if (!parts_.phase.set_drained(true)) return {false, "this node is drained already"};
    const auto role = hand_over_role(parts_.replicator);
    parts_.log.warning("drained by an operator: not ready until undrain, connections go on{}",
                       role);
    return {true, "drained: /readyz says not ready, connections go on" + role};
}

Verdict NodeActions::undrain() const {
    if (parts_.phase.is_stopping()) return {false, "this node is stopping: it does not come back"};
    if (!parts_.phase.set_drained(false)) return {false, "this node is not drained"};
    parts_.log.info("no longer drained, by an operator: ready for clients again");
    return {true, "no longer drained: /readyz says what it would have said"};
}

Verdict NodeActions::order(replication::Order order, std::string_view name) const {
    if (parts_.phase.is_stopping()) return {false, "this node is stopping"};
    auto ordered = parts_.replicator.order(order);
    parts_.log.info("{} by an operator: {}{}", name,
                    ordered.is_taken ? "" : "refused: ", ordered.sentence);
    return {ordered.is_taken, std::move(ordered.sentence)};
}

// As a client's `verbosity` would, until the next one or a reload that changes it.
Verdict NodeActions::set_verbosity(unsigned verbosity) const {
    parts_.service.set_verbosity(verbosity);
    parts_.log.info("log level set to {} by an operator", name_of_verbosity(verbosity));
    return {true, fmt::format("the log level is {}", name_of_verbosity(verbosity))};
}

}  // namespace twincached::app
