#include "replication/nats/driver/nats_stats.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::replication::nats;

namespace {

// A node that is in step, with a broker.
NatsReport well_node() {
    NatsReport report;
    report.node.cluster.state = ClusterState::in_step;
    report.node.broker.server = "nats://nats1:4222";
    return report;
}

std::string figure(const NatsReport& report, std::string_view name) {
    std::string found;
    visit_stats(report, [&](const lib::Figure& figure, std::string_view value) {
        if (figure.name == name) found = value;
    });
    return found;
}

std::string state(const NatsReport& report) {
    return figure(report, "repl_state");
}

std::string refusal(const NatsReport& report) {
    return figure(report, "repl_last_refusal");
}

}  // namespace

TEST_CASE("a node is linked in step, and synchronises while it learns from another") {
    auto report = well_node();
    CHECK(state(report) == "LINKED");
    for (const auto learning : {ClusterState::joining, ClusterState::comparing}) {
        report.node.cluster.state = learning;
        CHECK(state(report) == "SYNCING");
    }
    report.node.is_draining = true;
    CHECK(state(report) == "DRAINING");
}

TEST_CASE("a node without a broker that takes what it says is connecting, whatever it does") {
    for (const auto now : {ClusterState::disconnected, ClusterState::joining,
                           ClusterState::comparing, ClusterState::in_step}) {
        auto report = well_node();
        report.node.cluster.state = now;
        report.node.cluster.refusal = "stream MC_web: insufficient resources";
        CHECK(state(report) == "CONNECTING");
        CHECK(refusal(report) == "stream MC_web: insufficient resources");
        report.node.cluster.refusal.clear();
        report.node.broker.last_refusal = "nats://nats1:4222: JetStream does not answer";
        CHECK(state(report) == "CONNECTING");
        CHECK(refusal(report) == "nats://nats1:4222: JetStream does not answer");
    }
}

TEST_CASE("a node whose clock is wrong is refused, and what it waits for refuses nothing") {
    auto report = well_node();
    report.node.cluster.waits_for = "stream MC_web_rome: that site is not heard";
    CHECK(state(report) == "LINKED");
    CHECK(refusal(report) == "stream MC_web_rome: that site is not heard");
    report.node.broker.denial = "Permissions Violation";
    CHECK(refusal(report) == "stream MC_web_rome: that site is not heard (Permissions Violation)");
    report.node.cluster.state = ClusterState::comparing;
    report.node.cluster.is_refused = true;
    report.node.cluster.refusal = "its clock is 90 s ahead of the NATS server's";
    CHECK(state(report) == "REFUSED");
}
