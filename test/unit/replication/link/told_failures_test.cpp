// The lines of the failure matrix (docs/REPLICATION.md): each says what happened, to whom, since
// when and what follows, by names and addresses, and is an error, a warning or neither as it
// deserves.
#include "replication/pair/link/control_frames.hpp"
#include "test/unit/replication/sim_net.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace twincached;
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

void set(Pair& pair, unsigned n, std::size_t keys) {
    auto& store = *pair.nodes[n].process->store;
    storage::Write write;
    write.value = "value";
    for (std::size_t i = 0; i < keys; ++i)
        (void)store.write(store.key("key" + std::to_string(i)), pair.now(n), write);
}

void call(Pair& pair, std::string bytes) {
    const auto caller = pair.call(0);
    pair.say(caller, 0, std::move(bytes));
}

// With what node a saved when it was stopped; `what_it_missed` happens meanwhile.
void restart_with_memory(Pair& pair, void (*what_it_missed)(Pair& pair)) {
    pair.link();
    const auto memory = pair.shut_down(0);
    what_it_missed(pair);
    pair.nodes[0].log.clear();
    pair.boot(0, &memory);
}

// What happens to a pair that is linked, or to two nodes that were started so, and what one of them
// says.
struct Failure {
    const char* name;
    void (*happen)(Pair& pair);
    std::vector<std::string> lines;
    unsigned teller = 0;
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
    {"a cut",
     [](Pair& pair) {
         pair.link();
         pair.partitioned = true;
     },
     {"link: LINKED -> LISTENING: nothing from node b (host-b:11212) for 1.0 s; after ",
      "serving alone as primary: "}},
    {"a link that works in one direction only",
     [](Pair& pair) {
         pair.link();
         pair.mute[0] = true;
     },
     {"-> LISTENING: node b (host-b:11212) hears nothing of this node and ended the session; "}},
    {"more changes in a cut than the log holds",
     [](Pair& pair) {
         pair.nodes[0].log_bytes = 64 << 10;
         pair.link();
         pair.partitioned = true;
         pair.run(2s);
         set(pair, 0, 10'000);
     },
     {"the change log is full (log-memory): more has changed than the ",
      " changes that repl_unacked counts; the rest is found by comparing buckets with node b "
      "(host-b:11212)\n"}},
    {"that, and then the peer's death",
     [](Pair& pair) {
         pair.nodes[0].log_bytes = 64 << 10;
         pair.link();
         pair.mute[1] = true;
         set(pair, 0, 10'000);
         pair.run(100ms);
     },
     {"; after ", ", with more than "}},
    {"a peer that crashes, with on-peer-crash = flush",
     [](Pair& pair) {
         for (auto& node : pair.nodes)
             node.flush_on_peer_crash = true;
         pair.link();
         pair.kill(1);
     },
     {"all items are dropped (on-peer-crash = flush): "}},
    {"a split, with on-split = secondary-readonly",
     [](Pair& pair) {
         for (auto& node : pair.nodes)
             node.on_split = OnSplit::secondary_read_only;
         pair.link();
         pair.partitioned = true;
     },
     {"clients: read-only: the primary may be alive out of sight (on-split): nothing from node a "
      "(host-a:11212) for 1.0 s; after "},
     1},
    {"a split, with on-split = secondary-closed",
     [](Pair& pair) {
         for (auto& node : pair.nodes)
             node.on_split = OnSplit::secondary_closed;
         pair.link();
         pair.partitioned = true;
     },
     {"clients: closed"},
     1},
    {"a stranger on the link's port",
     [](Pair& pair) {
         pair.link();
         call(pair, "GET / HTTP/1.1\r\n\r\n");
     },
     {"refused a call on the link port: "}},
    {"a version that has nothing in common with this one",
     [](Pair& pair) {
         lib::ByteBuffer bytes;
         write_frame(bytes, Challenge{.protocol_min = 7,
                                      .protocol_max = 9,
                                      .node = 1,
                                      .epoch = 5,
                                      .cluster = "simulation"});
         pair.link();
         call(pair, std::string(bytes.readable()));
     },
     {"refused a call on the link port: node b (host-b:11212) speaks link protocol 7 to 9, this "
      "node 1 to 3\n"}},
    {"a memory file that nobody confirms",
     [](Pair& pair) { restart_with_memory(pair, [](Pair& of) { of.kill(1); }); },
     {"all items are forgotten: node b (host-b:11212) did not confirm them within boot-grace"}},
    {"a memory file of before the peer's own end",
     [](Pair& pair) {
         restart_with_memory(pair, [](Pair& of) {
             of.kill(1);
             of.boot(1);
             of.run(5s);
         });
     },
     {"all items are forgotten: "}},
    {"nodes that are set differently",
     [](Pair& pair) {
         pair.nodes[1].settings = "otherwise";
         pair.boot_both();
     },
     {"the nodes are set differently: here as it comes; node b (host-b:11212) otherwise\n"}},
    {"a switchover",
     [](Pair& pair) {
         pair.link();
         pair.order(0, Order::switch_over);
     },
     {"role: secondary: "}},
};

}  // namespace

TEST_CASE("each failure of the matrix has lines that say what happened, to whom and what follows") {
    for (const auto& failure : failures) {
        Pair pair;
        failure.happen(pair);
        pair.run(8s);
        const auto& teller = pair.nodes[failure.teller];
        INFO(failure.name << '\n' << teller.log);
        for (const auto& line : failure.lines)
            CHECK(teller.said(line));
        // A node is named once in a clause, and nothing is left to be filled in.
        CHECK_FALSE(teller.said(") is node"));
        CHECK_FALSE(teller.said(": ;"));
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

TEST_CASE("a comparison in the midst of a session says how long it took, not the session") {
    Pair pair;
    pair.link();
    set(pair, 1, 10);
    pair.run(60s);
    pair.nodes[0].log.clear();
    pair.order(0, Order::resync);
    pair.run(2s);
    CHECK(
        pair.nodes[0].said("link: SYNCING -> LINKED: in sync with node b (host-b:11212) after 0."));
    CHECK(pair.nodes[0].said(": 0 changes and items received, 0 sent; role "));
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
