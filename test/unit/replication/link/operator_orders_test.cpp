// What an operator tells a pair: which node is to be primary, and that all is to be compared again.
#include "replication/pair/link/operator_orders.hpp"
#include "lib/random.hpp"
#include "test/unit/replication/linked_net.hpp"
#include "test/unit/rounds.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <string>

using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

constexpr Order all_orders[] = {Order::promote, Order::switch_over, Order::resync};

OrderFacts linked_as(Role role) {
    return {.has_peer = true,
            .peer_understands = true,
            .has_what_is_here = true,
            .state = LinkState::linked,
            .serving = Serving::ready,
            .role = role};
}

std::uint64_t base_seed() {
    const char* text = std::getenv("TWINCACHED_SEED");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

Role role(LinkedNet& net, unsigned n) {
    return net.nodes[n].engine().link().role();
}

bool roles_are(LinkedNet& net, Role a, Role b) {
    return role(net, 0) == a && role(net, 1) == b;
}

// Until then at least one of the two is primary, at every moment.
bool becomes_primary(LinkedNet& net, unsigned n) {
    return net.run_until(4000ms, [&] {
        CHECK_FALSE(roles_are(net, Role::secondary, Role::secondary));
        return role(net, n) == Role::primary && role(net, 1 - n) == Role::secondary;
    });
}

}  // namespace

TEST_CASE("what makes sense between two nodes in step is not objected to") {
    for (const auto role : {Role::primary, Role::secondary}) {
        CHECK(objection_to(Order::switch_over, linked_as(role)).empty());
        CHECK(objection_to(Order::resync, linked_as(role)).empty());
        for (const auto order : all_orders)
            CHECK_FALSE(consequence_of(order, linked_as(role)).empty());
    }
    CHECK(objection_to(Order::promote, linked_as(Role::secondary)).empty());
    CHECK(objection_to(Order::promote, linked_as(Role::primary)) ==
          "this node is the primary already");
}

TEST_CASE("a node alone, or one that stops, takes no order") {
    for (const auto order : all_orders) {
        auto facts = linked_as(Role::secondary);
        facts.has_peer = false;
        CHECK(objection_to(order, facts).find("no peer is configured") == 0);
        facts = linked_as(Role::secondary);
        facts.state = LinkState::draining;
        CHECK(objection_to(order, facts) == "this node is stopping");
    }
}

TEST_CASE("without the peer a node can be promoted, and nothing else") {
    for (const auto state :
         {LinkState::listening, LinkState::connecting, LinkState::handshake, LinkState::refused}) {
        auto facts = linked_as(Role::secondary);
        facts.state = state;
        CHECK(objection_to(Order::switch_over, facts).find("promote makes this node") !=
              std::string::npos);
        CHECK_FALSE(objection_to(Order::resync, facts).empty());
        CHECK(objection_to(Order::promote, facts).empty());
        facts.serving = Serving::cold;
        CHECK(objection_to(Order::promote, facts).empty());
    }
}

TEST_CASE("roles are not handed over before the nodes are in step") {
    auto facts = linked_as(Role::primary);
    facts.state = LinkState::syncing;
    CHECK(objection_to(Order::switch_over, facts).find("not in step") != std::string::npos);
    CHECK(objection_to(Order::resync, facts).empty());
    facts = linked_as(Role::primary);
    facts.has_what_is_here = false;
    CHECK_FALSE(objection_to(Order::switch_over, facts).empty());
    // A node that is still filling would serve what it does not have.
    facts = linked_as(Role::secondary);
    facts.state = LinkState::syncing;
    facts.serving = Serving::cold;
    CHECK(objection_to(Order::promote, facts).find("does not have the other's items") !=
          std::string::npos);
}

TEST_CASE("a peer of a version that knows no orders is told none") {
    auto facts = linked_as(Role::secondary);
    facts.peer_understands = false;
    for (const auto order : all_orders)
        CHECK(objection_to(order, facts).find("update the other node first") != std::string::npos);
    // Out of sight it does not matter what it knows.
    facts.state = LinkState::connecting;
    CHECK(objection_to(Order::promote, facts).empty());
}

TEST_CASE("a switchover told to either node changes the roles, and one is always primary") {
    for (const unsigned told : {0U, 1U}) {
        LinkedNet net(told + 1);
        net.set(0, "key");
        net.order(told, Order::switch_over);
        CHECK(becomes_primary(net, 1));
        CHECK(net.linked());
        // What the old primary had is with the new one.
        CHECK(net.holds(1, "key"));
        CHECK(net.nodes[1].said("role: primary: "));
        CHECK(net.nodes[0].said("role: secondary: the other node took over"));
        net.order(told, Order::switch_over);
        CHECK(becomes_primary(net, 0));
    }
}

TEST_CASE("what a primary has written is with the other node before that takes over") {
    LinkedNet net;
    for (int i = 0; i < 50; ++i)
        net.set(0, "key" + std::to_string(i));
    net.order(0, Order::switch_over);
    REQUIRE(net.run_until(2000ms, [&] { return role(net, 1) == Role::primary; }));
    for (int i = 0; i < 50; ++i)
        CHECK(net.holds(1, "key" + std::to_string(i)));
}

TEST_CASE("a secondary that is promoted is primary at once, and the other steps back") {
    LinkedNet net;
    net.order(1, Order::promote);
    CHECK(becomes_primary(net, 1));
    CHECK(net.nodes[1].said("role: primary: by an operator"));
}

TEST_CASE("who was made primary stays it when the link is cut and heals") {
    LinkedNet net;
    net.order(0, Order::switch_over);
    REQUIRE(becomes_primary(net, 1));
    for (int cut = 0; cut < 3; ++cut) {
        net.reset_connections(0);
        REQUIRE(net.link_again());
        CHECK(roles_are(net, Role::secondary, Role::primary));
    }
}

TEST_CASE("an order is forgotten with the process that it was told") {
    LinkedNet net;
    net.order(0, Order::switch_over);
    REQUIRE(becomes_primary(net, 1));
    net.kill(1);
    net.run(1000ms);
    CHECK(role(net, 0) == Role::primary);
    net.boot(1);
    REQUIRE(net.link_again());
    CHECK(roles_are(net, Role::primary, Role::secondary));
}

TEST_CASE("a node that waits for its peer serves when it is promoted") {
    SimNet net(1);
    net.boot(0);
    net.run(100ms);
    CHECK_FALSE(net.nodes[0].ready);
    net.order(0, Order::promote);
    net.run(10ms);
    CHECK(net.nodes[0].ready);
    CHECK(net.nodes[0].engine().link().role() == Role::primary);
}

TEST_CASE("a node that its policy has closed opens when it is promoted") {
    LinkedNet net(1, [](auto& node) { node.on_split = OnSplit::secondary_closed; });
    net.vanish(0);
    REQUIRE(net.run_until(10'000ms, [&] { return net.nodes[1].access == Access::closed; }));
    net.order(1, Order::promote);
    net.run(10ms);
    CHECK(net.nodes[1].access == Access::open);
    CHECK(role(net, 1) == Role::primary);
}

TEST_CASE("a resync compares all buckets on both nodes, keeps the session and the roles") {
    LinkedNet net;
    for (int i = 0; i < 100; ++i)
        net.set(0, "key" + std::to_string(i));
    net.run(100ms);
    const auto compared = [&](unsigned n) {
        return net.nodes[n].engine().exchange().stats()[ExchangeCounter::digests_sent] +
               net.nodes[n].engine().exchange().stats()[ExchangeCounter::lists_sent];
    };
    const auto before = compared(0) + compared(1);
    const auto sessions = net.nodes[0].engine().link().sessions();
    net.order(1, Order::resync);
    net.set(0, "meanwhile");
    REQUIRE(net.run_until(5000ms, [&] { return compared(0) + compared(1) >= before + 2 * 65536; }));
    CHECK(net.link_again());
    net.run(100ms);
    CHECK(net.holds(1, "meanwhile"));
    CHECK(net.nodes[0].engine().link().sessions() == sessions);
    CHECK(roles_are(net, Role::primary, Role::secondary));
    CHECK(net.nodes[0].said("resync: all buckets"));
    CHECK(net.nodes[1].said("resync: all buckets"));
}

TEST_CASE("a handover that the session does not survive leaves the roles as they are") {
    LinkedNet net;
    net.stop(1);
    net.order(0, Order::switch_over);
    net.run(10ms);
    net.vanish(1);
    net.run(3000ms);
    CHECK(role(net, 0) == Role::primary);
    CHECK(net.nodes[0].said("switchover: given up: the session ended"));
}

TEST_CASE("an order that came too late is a line in the log") {
    LinkedNet net;
    net.kill(1);
    net.run(100ms);
    net.order(0, Order::switch_over);
    net.run(10ms);
    CHECK(net.nodes[0].said("an operator's order is not followed: switchover needs"));
}

TEST_CASE("a change of the primary is told once, by both nodes, with who it was and why") {
    LinkedNet net;
    net.nodes[0].role_changes.clear();
    net.nodes[1].role_changes.clear();
    net.order(0, Order::switch_over);
    REQUIRE(becomes_primary(net, 1));
    for (const auto n : {0U, 1U}) {
        REQUIRE(net.nodes[n].role_changes.size() == 1);
        const auto& change = net.nodes[n].role_changes[0];
        CHECK(change.from == "a");
        CHECK(change.to == "b");
        CHECK(change.here == (n == 0 ? "a" : "b"));
        CHECK(change.why.find(n == 0 ? "took over" : "handed over") != std::string::npos);
    }
}

TEST_CASE("who survives the primary tells of what it had not been able to say") {
    LinkedNet net;
    net.nodes[1].role_changes.clear();
    net.stop(0);
    for (int i = 0; i < 5; ++i)
        net.set(1, "key" + std::to_string(i));
    net.run(100ms);
    net.vanish(0);
    REQUIRE(net.run_until(5000ms, [&] { return role(net, 1) == Role::primary; }));
    net.run(10ms);
    REQUIRE(net.nodes[1].role_changes.size() == 1);
    CHECK(net.nodes[1].role_changes[0].from == "a");
    CHECK(net.nodes[1].role_changes[0].to == "b");
    CHECK(net.nodes[1].role_changes[0].unconfirmed == 5);
    CHECK_FALSE(net.nodes[1].role_changes[0].why.empty());
}

TEST_CASE("two nodes that start tell of no change, and one that serves alone of nobody before it") {
    LinkedNet net;
    CHECK(net.nodes[0].role_changes.empty());
    CHECK(net.nodes[1].role_changes.empty());
    SimNet alone(1);
    alone.boot(1);
    alone.run(default_timing().boot_grace + 1000ms);
    REQUIRE(alone.nodes[1].role_changes.size() == 1);
    CHECK(alone.nodes[1].role_changes[0].from.empty());
    CHECK(alone.nodes[1].role_changes[0].to == "b");
}

TEST_CASE(
    "whatever is ordered on whatever network, two nodes at rest are one primary and one not") {
    for (std::uint64_t seed = base_seed(); seed < base_seed() + twincached::test::rounds(40, 2);
         ++seed) {
        INFO("TWINCACHED_SEED=" << seed);
        SimNet net(seed);
        twincached::lib::Random random(seed * 7919);
        net.delay_max = Timing::ms(random.below(60));
        net.boot(0);
        net.boot(1);
        for (int step = 0; step < 40; ++step) {
            const auto n = static_cast<unsigned>(random.below(2));
            if (!net.nodes[n].process) net.boot(n);
            const auto what = random.below(12);
            if (what == 0) net.kill(n);
            if (what == 1) net.reset_connections(n);
            if (what == 2) net.partitioned = !net.partitioned;
            if (what > 2) net.order(n, all_orders[random.below(2)]);
            net.run(Timing::ms(random.below(random.one_in(4) ? 2500 : 80)));
        }
        net.partitioned = false;
        for (const unsigned n : {0U, 1U})
            if (!net.nodes[n].process) net.boot(n);
        REQUIRE(net.run_until(15s, [&] { return net.linked(); }));
        net.run(12s);  // an order to hand over that is under way is done or given up
        REQUIRE(net.linked());
        const auto a = net.nodes[0].engine().link().role();
        REQUIRE(a != net.nodes[1].engine().link().role());
    }
}

TEST_CASE("both nodes are primary for a second, so that no balancer is without one") {
    LinkedNet net;
    net.order(0, Order::switch_over);
    REQUIRE(net.run_until(1000ms, [&] { return role(net, 1) == Role::primary; }));
    net.run(OperatorOrders::overlap - 100ms);
    CHECK(roles_are(net, Role::primary, Role::primary));
    // What is ordered meanwhile does not take the role back.
    net.order(0, Order::switch_over);
    net.run(200ms);
    CHECK(roles_are(net, Role::secondary, Role::primary));
    net.run(12s);
    CHECK(roles_are(net, Role::secondary, Role::primary));
}

TEST_CASE("a node that is about to step back can be promoted, and the other steps back again") {
    LinkedNet net;
    net.order(1, Order::promote);
    REQUIRE(net.run_until(1000ms, [&] { return role(net, 1) == Role::primary; }));
    net.run(100ms);
    REQUIRE(roles_are(net, Role::primary, Role::primary));
    // The address came here, there and here again: the last word counts, and nobody is promoted
    // by half.
    net.order(0, Order::promote);
    CHECK(becomes_primary(net, 0));
    net.run(12s);
    CHECK(roles_are(net, Role::primary, Role::secondary));
}

TEST_CASE("a node that hands over is the primary already only when that is done") {
    auto facts = linked_as(Role::primary);
    facts.is_handing_over = true;
    CHECK(objection_to(Order::promote, facts).find("is handing over") != std::string::npos);
    facts = linked_as(Role::primary);
    facts.is_stepping_back = true;
    CHECK(objection_to(Order::promote, facts).empty());
    CHECK(consequence_of(Order::promote, facts).find("stays the primary") != std::string::npos);
}

TEST_CASE("a node whose peer took over and died in the same second stays the primary") {
    LinkedNet net;
    net.order(0, Order::switch_over);
    REQUIRE(net.run_until(1000ms, [&] { return role(net, 1) == Role::primary; }));
    net.run(50ms);
    net.kill(1);
    net.run(3s);
    CHECK(role(net, 0) == Role::primary);
}
