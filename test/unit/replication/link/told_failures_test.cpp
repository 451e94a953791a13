// The lines of the failure matrix (docs/REPLICATION.md): each says what happened, to whom, since
// when and what follows, by names and addresses, and is an error, a warning or neither as it
// deserves.
#include "test/unit/replication/sim_net.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

struct Pair : SimNet {
    Pair() : SimNet(1) {
        nodes[0].peer_place = "host-b:11212";
        nodes[1].peer_place = "host-a:11212";
    }
    void boot_both() {
        boot(0);
        boot(1);
    }
    void link() {
        boot_both();
        REQUIRE(run_until(2s, [&] {
            return nodes[0].engine().link().state() == LinkState::linked &&
                   nodes[1].engine().link().state() == LinkState::linked;
        }));
    }
};

// What happens to a pair that is linked, or to two nodes that were started so, and what node a
// says.
struct Failure {
    const char* name;
    void (*happen)(Pair& pair);
    std::vector<std::string> lines;
};

const Failure failures[] = {
    {"a node dies",
     [](Pair& pair) {
         pair.link();
         pair.run(3s);
         pair.kill(1);
     },
     {"link: LINKED -> LISTENING: end of stream: its process ended; after 3.",
      " s, with 0 changes unconfirmed; it is called again\n", "serving alone as primary: "}},
    {"a node falls silent",
     [](Pair& pair) {
         pair.link();
         pair.vanish(1);
     },
     {"link: LINKED -> LISTENING: nothing from node b (host-b:11212) for 1.0 s; after ",
      "serving alone as primary: nothing from node b (host-b:11212) for 1.0 s"}},
    {"a clean stop",
     [](Pair& pair) {
         pair.link();
         pair.begin_drain(1);
     },
     {"link: LINKED -> LISTENING: node b (host-b:11212) shuts down (clean); after "}},
    {"the peer is not there at the start",
     [](Pair& pair) { pair.boot(0); },
     {"serving alone as primary: node b (host-b:11212) was not reached within boot-grace (3s)\n"}},
    {"another secret",
     [](Pair& pair) {
         pair.nodes[1].secret = "another";
         pair.boot_both();
     },
     {"-> REFUSED: node b (host-b:11212) refuses this node: the secrets of the two nodes differ; "
      "no "
      "data is exchanged until that is put right\n",
      "serving alone as primary: node b (host-b:11212) refuses this node: the secrets of the "
      "two "}},
    {"no secret there",
     [](Pair& pair) {
         pair.nodes[1].secret = "";
         pair.boot_both();
     },
     {"-> REFUSED: node b (host-b:11212) refuses this node: this node has a secret, the peer has "
      "none"}},
    {"no secret here",
     [](Pair& pair) {
         pair.nodes[0].secret = "";
         pair.boot_both();
     },
     {"node b (host-b:11212) refuses this node: the peer has a secret, this node has none"}},
    {"another cluster",
     [](Pair& pair) {
         pair.nodes[1].cluster = "another";
         pair.boot_both();
     },
     {"cluster here 'simulation', there "}},
    {"one name",
     [](Pair& pair) {
         pair.nodes[1].name = 0;
         pair.boot_both();
     },
     {"both nodes have the same name: set node = a on one and node = b on the other"}},
    {"a clock that is days ahead",
     [](Pair& pair) {
         pair.nodes[1].clock_offset_ms = 3 * 24 * 3600'000LL;
         pair.boot_both();
     },
     {"the clock of the peer is further ahead than clock-max-ahead"}},
    {"a clock of this node that is days ahead",
     [](Pair& pair) {
         pair.nodes[0].clock_offset_ms = 3 * 24 * 3600'000LL;
         pair.boot_both();
     },
     {"refuses this node: the clock of this node, or its versions, is further ahead"}},
    {"a node that dials itself",
     [](Pair& pair) {
         pair.nodes[0].self_connected = true;
         pair.boot(0);
     },
     {"is this node itself, or a copy of it"}},
};

}  // namespace

TEST_CASE("each failure of the matrix has lines that say what happened, to whom and what follows") {
    for (const auto& failure : failures) {
        Pair pair;
        failure.happen(pair);
        pair.run(8s);
        INFO(failure.name << '\n' << pair.nodes[0].log);
        for (const auto& line : failure.lines)
            CHECK(pair.nodes[0].said(line));
    }
}

TEST_CASE("two nodes that are in step say how that came about") {
    Pair pair;
    pair.link();
    CHECK(
        pair.nodes[1].said("link: SYNCING -> LINKED: in sync with node a (host-a:11212) after 0."));
    CHECK(pair.nodes[1].said(" changes and items received, "));
    CHECK(pair.nodes[1].said("; role secondary\n"));
}

TEST_CASE("what a peer says is worded by who hears it, and quoted only if it has no number") {
    Pair pair;
    pair.nodes[1].secret = "";
    pair.boot_both();
    pair.run(8s);
    CHECK(pair.nodes[0].said("this node has a secret, the peer has none"));
    CHECK_FALSE(pair.nodes[0].said("this node has none"));
    CHECK(pair.nodes[1].said("the peer has a secret, this node has none"));
    CHECK_FALSE(pair.nodes[1].said("this node has a secret"));
}

TEST_CASE("a refusal is in the report as in the log, with the peer's name") {
    Pair pair;
    pair.nodes[1].secret = "another";
    pair.boot_both();
    pair.run(8s);
    const auto report = pair.nodes[0].engine().report(pair.now(0));
    CHECK(report.last_refusal ==
          "node b (host-b:11212) refuses this node: the secrets of the two "
          "nodes differ");
}
