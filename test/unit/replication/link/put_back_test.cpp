// What becomes of the pair when a node comes back with its memory, and when that is an older one: a
// machine that was put back to a snapshot. Two engines in a simulated network (rules R12 and R15).
#include "test/unit/replication/linked_net.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

struct Pair : LinkedNet {
    Pair() {
        few_items = 8;
        set(0, "old");
        set(0, "removed");
        come_to_rest();
        REQUIRE(holds(1, "removed"));
    }
    void come_to_rest() { run(500ms); }
    // Node 1 comes back with that; whether the two link again.
    bool restart(const Memory& memory) {
        boot(1, &memory);
        return link_again();
    }
    // What nobody who was put back before it may know.
    void live_on() {
        remove(0, "removed");
        set(0, "new");
        come_to_rest();
    }
};

}  // namespace

TEST_CASE("a node that comes back with its memory is confirmed, and keeps what it held") {
    Pair pair;
    const auto memory = pair.shut_down(1);
    pair.live_on();
    pair.nodes[1].log.clear();
    REQUIRE(pair.restart(memory));
    pair.come_to_rest();
    CHECK(pair.nodes[1].said("the peer confirms the items of the memory file"));
    CHECK_FALSE(pair.nodes[1].said("forgotten"));
    CHECK(pair.get(1, "old") == "value");
    CHECK(pair.get(1, "new") == "value");
    CHECK_FALSE(pair.holds(1, "removed"));
}

TEST_CASE("a node that was put back to an older memory forgets it, and is filled by its peer") {
    Pair pair;
    const auto older = pair.shut_down(1);
    REQUIRE(pair.restart(older));
    pair.live_on();
    REQUIRE_FALSE(pair.holds(1, "removed"));
    const auto newer = pair.shut_down(1);
    pair.nodes[1].log.clear();
    REQUIRE(pair.restart(older));
    pair.come_to_rest();
    CHECK(pair.nodes[1].said("all items are forgotten: the peer counts on another state"));
    for (unsigned n = 0; n < 2; ++n) {
        INFO("node " << n);
        CHECK(pair.get(n, "old") == "value");
        CHECK(pair.get(n, "new") == "value");
        CHECK_FALSE(pair.holds(n, "removed"));
    }
}

TEST_CASE("a peer that was put back is let go until it has begun anew, and nothing is lost by it") {
    Pair pair;
    const auto older = pair.shut_down(1);
    REQUIRE(pair.restart(older));
    pair.live_on();
    (void)pair.shut_down(1);
    pair.nodes[0].log.clear();
    const auto sessions = pair.nodes[0].engine().link().sessions();
    REQUIRE(pair.restart(older));
    CHECK_FALSE(pair.nodes[0].said("forgotten"));
    CHECK(pair.nodes[0].engine().link().refusals() == 0);
    CHECK(pair.nodes[0].engine().link().sessions() == sessions + 1);
}

TEST_CASE("a node that begins anew is another incarnation, whose own memory is good again") {
    Pair pair;
    const auto older = pair.shut_down(1);
    REQUIRE(pair.restart(older));
    pair.live_on();
    (void)pair.shut_down(1);
    REQUIRE(pair.restart(older));
    pair.come_to_rest();
    const auto memory = pair.shut_down(1);
    pair.nodes[1].log.clear();
    REQUIRE(pair.restart(memory));
    CHECK_FALSE(pair.nodes[1].said("forgotten"));
    CHECK(pair.holds(1, "new"));
}

TEST_CASE("a memory that nobody is there to confirm is forgotten before clients are served by it") {
    Pair pair;
    const auto memory = pair.shut_down(1);
    pair.kill(0);
    pair.nodes[1].log.clear();
    pair.boot(1, &memory);
    CHECK(pair.holds(1, "old"));
    CHECK_FALSE(pair.nodes[1].ready);
    REQUIRE(pair.run_until(10s, [&] { return pair.nodes[1].ready; }));
    CHECK(pair.nodes[1].said(
        "all items are forgotten: the peer did not confirm them within boot-grace"));
    CHECK_FALSE(pair.holds(1, "old"));
}

TEST_CASE("a node that was alone when it stopped serves its items without anybody's word") {
    Pair pair;
    pair.kill(0);
    pair.run(2s);
    const auto memory = pair.shut_down(1);
    pair.boot(1, &memory);
    REQUIRE(pair.run_until(10s, [&] { return pair.nodes[1].ready; }));
    CHECK(pair.holds(1, "old"));
}

TEST_CASE("two nodes that were put back together go on from there") {
    Pair pair;
    const auto of_b = pair.shut_down(1);
    const auto of_a = pair.shut_down(0);
    pair.boot(0, &of_a);
    pair.boot(1, &of_b);
    REQUIRE(pair.link_again());
    pair.live_on();
    (void)pair.shut_down(1);
    (void)pair.shut_down(0);
    for (auto& node : pair.nodes)
        node.log.clear();
    pair.boot(0, &of_a);
    pair.boot(1, &of_b);
    REQUIRE(pair.link_again());
    for (auto& node : pair.nodes)
        CHECK_FALSE(node.said("forgotten"));
    CHECK(pair.holds(0, "removed"));
    CHECK(pair.holds(1, "removed"));
    CHECK_FALSE(pair.holds(0, "new"));
}
