// The control half of the engine, two of them in a simulated network. What the link carries is
// the Exchange's, and tested there.
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

std::uint64_t base_seed() {
    const char* given = std::getenv("TWINCACHED_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

void boot_both(SimNet& net) {
    net.boot(0);
    net.boot(1);
}

}  // namespace

constexpr std::uint64_t simultaneous_starts = twincached::test::rounds(1000, 25);
constexpr std::uint64_t histories = twincached::test::rounds(50, 15);

TEST_CASE("two nodes that start at once have one session within a second, every time") {
    for (std::uint64_t seed = base_seed(); seed < base_seed() + simultaneous_starts; ++seed) {
        INFO("TWINCACHED_SEED=" << seed);
        SimNet net(seed);
        twincached::lib::Random random(seed);
        net.delay_max = Timing::ms(random.below(random.one_in(2) ? 3 : 60));
        net.boot(0);
        net.run(Timing::ms(random.below(30)));
        net.boot(1);
        REQUIRE(net.run_until(1s, [&] { return net.paired(); }));
        const auto number = net.nodes[0].engine().session_number();
        net.run(net.delay_max * 2 + 100ms);
        REQUIRE(net.nodes[0].engine().session_number() == number);
        REQUIRE(net.nodes[0].engine().link().sessions() == 1);
        REQUIRE(net.nodes[1].engine().link().sessions() == 1);
    }
}

TEST_CASE("two nodes that start at once are linked, ready and stay so") {
    for (std::uint64_t seed = base_seed(); seed < base_seed() + histories; ++seed) {
        INFO("TWINCACHED_SEED=" << seed);
        SimNet net(seed);
        boot_both(net);
        REQUIRE(net.run_until(1s, [&] { return net.linked(); }));
        REQUIRE(net.nodes[0].ready);
        REQUIRE(net.nodes[1].ready);
        net.run(10s);
        REQUIRE(net.linked());
        REQUIRE(net.nodes[0].engine().link().sessions() == 1);
    }
}

TEST_CASE("two COLD nodes agree that a is primary") {
    LinkedNet net;
    CHECK(net.nodes[0].engine().link().role() == Role::primary);
    CHECK(net.nodes[1].engine().link().role() == Role::secondary);
}

TEST_CASE("the node that has served longer is primary") {
    SimNet net(1);
    net.boot(1);
    net.run(4s);
    REQUIRE(net.nodes[1].ready);
    net.boot(0);
    REQUIRE(net.run_until(1500ms, [&] { return net.linked(); }));
    CHECK(net.nodes[1].engine().link().role() == Role::primary);
    CHECK(net.nodes[0].engine().link().role() == Role::secondary);
}

TEST_CASE("a node alone serves after the boot grace") {
    SimNet net(1);
    net.boot(0);
    CHECK_FALSE(net.run_until(2900ms, [&] { return net.nodes[0].ready; }));
    CHECK(net.run_until(200ms, [&] { return net.nodes[0].ready; }));
    CHECK(
        net.nodes[0].said("serving alone as primary: the peer was not reached within boot-grace"));
}

TEST_CASE("a node that has no peer is ready at once") {
    SimNet net(1);
    net.nodes[0].has_peer = false;
    net.boot(0);
    CHECK(net.nodes[0].ready);
}

TEST_CASE("a killed peer is noticed at once, and the survivor is promoted") {
    LinkedNet net;
    net.kill(0);
    CHECK(net.run_until(
        50ms, [&] { return net.nodes[1].said("serving alone as primary: end of stream"); }));
    CHECK(net.nodes[1].engine().link().role() == Role::primary);
}

TEST_CASE("a peer that falls silent is noticed within 1.3 s") {
    LinkedNet net;
    net.vanish(0);
    CHECK_FALSE(net.run_until(700ms, [&] { return net.nodes[1].said("serving alone"); }));
    CHECK(net.run_until(600ms, [&] {
        return net.nodes[1].said("serving alone as primary: nothing from the peer for");
    }));
}

TEST_CASE("after a partition heals the nodes are linked within 1.5 s") {
    for (std::uint64_t seed = base_seed(); seed < base_seed() + histories; ++seed) {
        INFO("TWINCACHED_SEED=" << seed);
        LinkedNet net(seed);
        net.partitioned = true;
        net.run(Timing::ms(1500 + seed * 37));
        REQUIRE(net.state(0) != LinkState::linked);
        REQUIRE(net.state(1) != LinkState::linked);
        net.partitioned = false;
        REQUIRE(net.run_until(1500ms, [&] { return net.linked(); }));
    }
}

TEST_CASE("when only one direction is cut both ends drop the session") {
    const unsigned muted = GENERATE(0U, 1U);
    LinkedNet net;
    net.mute[muted] = true;
    CHECK(net.run_until(1300ms, [&] { return !net.nodes[1 - muted].engine().has_session(); }));
    CHECK(net.nodes[1 - muted].said("nothing from the peer for"));
    CHECK(net.run_until(1300ms, [&] { return !net.nodes[muted].engine().has_session(); }));
}

TEST_CASE("a node whose voice is lost but that hears is told so by the peer's PING") {
    LinkedNet net;
    net.mute[0] = true;
    // Its hang-up is lost as well.
    CHECK(net.run_until(2600ms, [&] { return !net.nodes[0].engine().has_session(); }));
}

TEST_CASE("a node that was stopped for less than the silence goes on as if nothing had been") {
    for (std::uint64_t seed = base_seed(); seed < base_seed() + histories; ++seed) {
        INFO("TWINCACHED_SEED=" << seed);
        LinkedNet net(seed);
        net.stop(1);
        net.run(750ms);
        net.resume(1);
        net.run(3s);
        REQUIRE(net.linked());
        REQUIRE(net.nodes[1].engine().link().sessions() == 1);
    }
}

TEST_CASE("two machines that are both paused find each other alive when they wake") {
    LinkedNet net;
    net.stop(0);
    net.stop(1);
    net.run(30s);
    net.resume(0);
    net.resume(1);
    net.run(2s);
    CHECK(net.linked());
    CHECK(net.nodes[0].engine().link().sessions() == 1);
}

TEST_CASE("a node that was stopped for long is left, and linked again within 1.5 s of its return") {
    for (std::uint64_t seed = base_seed(); seed < base_seed() + histories; ++seed) {
        INFO("TWINCACHED_SEED=" << seed);
        LinkedNet net(seed);
        const auto stopped = static_cast<unsigned>(seed % 2);
        net.stop(stopped);
        net.run(10s);
        REQUIRE(net.nodes[1 - stopped].said("serving alone as primary: nothing from the peer for"));
        net.resume(stopped);
        REQUIRE(net.run_until(1500ms, [&] { return net.linked(); }));
    }
}

TEST_CASE("a peer that was restarted before its death was noticed replaces its session") {
    for (std::uint64_t seed = base_seed(); seed < base_seed() + histories; ++seed) {
        INFO("TWINCACHED_SEED=" << seed);
        LinkedNet net(seed);
        const auto restarted = static_cast<unsigned>(seed % 2);
        net.vanish(restarted);
        net.run(100ms);
        net.boot(restarted);
        REQUIRE(net.run_until(1s, [&] { return net.linked(); }));
        REQUIRE(net.nodes[1 - restarted].said("the peer has lost the session and calls anew"));
    }
}

TEST_CASE("what a dead incarnation leaves behind neither keeps the other awake nor is chosen") {
    for (std::uint64_t seed = base_seed(); seed < base_seed() + twincached::test::rounds(60, 8);
         ++seed) {
        INFO("TWINCACHED_SEED=" << seed);
        LinkedNet net(seed);
        twincached::lib::Random random(seed);
        net.delay_max = Timing::ms(30);
        for (int restart = 0; restart < 6; ++restart) {
            net.vanish(1);
            net.run(Timing::ms(static_cast<int>(random.below(20))));
            net.boot(1);
            net.run(Timing::ms(static_cast<int>(random.below(150))));
        }
        const bool paired = net.run_until(800ms, [&] { return net.paired(); });
        net.run(2s);
        CHECK(net.nodes[0].idle_timers + net.nodes[1].idle_timers == 0);
        REQUIRE(paired);
        REQUIRE(net.paired());
    }
}

TEST_CASE("a node that drains says goodbye, and the other is promoted within 50 ms") {
    LinkedNet net;
    net.begin_drain(0);
    CHECK(net.run_until(
        50ms, [&] { return net.nodes[1].said("serving alone as primary: the peer shuts down"); }));
    CHECK(net.run_until(600ms, [&] { return net.nodes[0].drained; }));
    CHECK(net.nodes[0].said("LINKED -> DRAINING"));
}

TEST_CASE("a node that drains without a session is done at once") {
    SimNet net(1);
    net.boot(0);
    net.begin_drain(0);
    CHECK(net.nodes[0].drained);
}

TEST_CASE("a drain whose last changes nobody acknowledges ends when its time is over") {
    SimNet net(1);
    net.nodes[0].drain_timeout = 400ms;
    boot_both(net);
    REQUIRE(net.run_until(1s, [&] { return net.linked(); }));
    net.mute[1] = true;  // for longer than the drain, and less than the silence
    auto& store = *net.nodes[0].process->store;
    twincached::storage::Write write;
    write.value = "unheard of";
    (void)store.write(store.key("key"), net.now(0), write);
    net.begin_drain(0);
    CHECK_FALSE(net.run_until(350ms, [&] { return !net.nodes[0].engine().has_session(); }));
    CHECK(net.run_until(150ms, [&] { return !net.nodes[0].engine().has_session(); }));
    CHECK(net.run_until(1s, [&] { return net.nodes[0].drained; }));
}

TEST_CASE("a connection whose READY never comes is dropped, by either node") {
    // The peer is this test: it says all that a handshake takes, and not a word more.
    const unsigned number = GENERATE(0U, 1U);
    SimNet net(1);
    net.boot(number);
    Self self;
    self.cluster = "simulation";
    self.secret = "secret";
    self.node = 1 - number;
    self.epoch = 4711;
    const auto& store = *net.nodes[number].process->store;
    self.hash_check = store.key("twincached: do both nodes hash alike?").hash;
    Handshake handshake(self, Side::dialler, make_nonce(Entropy{9}, 1));
    twincached::lib::ByteBuffer out;
    handshake.begin(out);
    const auto id = net.call(number);
    std::size_t heard = 0;
    bool is_told_hello = false;
    for (int turn = 0; turn < 10; ++turn) {
        net.say(id, number, std::string(out.readable()));
        out.clear();
        net.run(1ms);
        for (;;) {
            const auto rest = std::string_view(net.heard_by_stranger(id)).substr(heard);
            const auto read = read_frame(rest);
            if (read.status != FrameStatus::complete) break;
            heard += read.size;
            if (read.frame.type == FrameType::hello) is_told_hello = true;
            if (handshake.on_frame(read.frame, net.now(number), out) != Handshake::Step::say_hello)
                continue;
            Hello hello;
            hello.epoch = self.epoch;
            hello.hash_check =
                net.nodes[number].process->store->key("twincached: do both nodes hash alike?").hash;
            hello.version_ms = net.now(number).version_ms;
            handshake.write_hello(hello, out);
        }
    }
    REQUIRE(is_told_hello);
    INFO(net.nodes[number].log);
    CHECK(net.is_open(id, number));
    CHECK_FALSE(net.nodes[number].engine().has_session());
    net.run(2500ms);
    CHECK_FALSE(net.is_open(id, number));
}

TEST_CASE("a node whose peer address is its own refuses itself and serves alone") {
    SimNet net(1);
    net.nodes[0].self_connected = true;
    net.boot(0);
    net.run(10s);
    CHECK(net.state(0) == LinkState::refused);
    CHECK(net.nodes[0].said("the peer is this node itself"));
    CHECK(net.nodes[0].ready);
}

TEST_CASE("two nodes of one name refuse each other, loudly and once, and both serve") {
    SimNet net(1);
    net.nodes[1].name = 0;
    boot_both(net);
    net.run(20s);
    for (auto& node : net.nodes) {
        CHECK(node.engine().link().state() == LinkState::refused);
        CHECK(node.ready);
        const auto first = node.log.find("-> REFUSED");
        REQUIRE(first != std::string::npos);
        CHECK(node.log.find("-> REFUSED", first + 1) == std::string::npos);
    }
}

TEST_CASE("a node that is neither a nor b yet becomes what the peer is not, and stays it") {
    const unsigned decided = GENERATE(0U, 1U);
    const std::string secret = GENERATE(as<std::string>{}, "", "secret");
    SimNet net(1);
    net.nodes[0].secret = net.nodes[1].secret = secret;
    net.nodes[decided].name = decided;
    net.nodes[1 - decided].name = node_undecided;
    boot_both(net);
    REQUIRE(net.run_until(2s, [&] { return net.linked(); }));
    CHECK(net.nodes[1 - decided].engine().node() == 1 - decided);
    net.kill(decided);
    net.boot(decided);
    CHECK(net.run_until(2s, [&] { return net.linked(); }));
}

TEST_CASE("nobody who has proved nothing tells a node which of the two it is") {
    SimNet net(1);
    net.nodes[0].name = node_undecided;
    net.nodes[1].secret = "another";
    boot_both(net);
    net.run(20s);
    CHECK(net.nodes[0].engine().node() == node_undecided);
    CHECK(net.nodes[0].ready);
}

TEST_CASE("whatever makes two nodes refuse each other is a line or two on each, and counted") {
    struct Case {
        const char* name;
        void (*spoil)(SimNet&);
    };
    const auto given = GENERATE(
        Case{"another secret", [](SimNet& net) { net.nodes[1].secret = "another"; }},
        Case{"no secret", [](SimNet& net) { net.nodes[1].secret = ""; }},
        Case{"one name", [](SimNet& net) { net.nodes[1].name = 0; }},
        Case{"clocks", [](SimNet& net) { net.nodes[1].clock_offset_ms = 3 * 24 * 3600'000LL; }});
    INFO(given.name);
    SimNet net(1);
    given.spoil(net);
    boot_both(net);
    net.run(10s);
    const std::string before[] = {net.nodes[0].log, net.nodes[1].log};
    net.run(10min);
    for (const auto n : {0U, 1U}) {
        CHECK(net.nodes[n].log == before[n]);
        const auto report = net.nodes[n].engine().report(net.now(n));
        CHECK(report.refused + report.strangers > 100);
    }
}

TEST_CASE("nodes with different secrets refuse each other, and pair when one is put right") {
    SimNet net(1);
    net.nodes[1].secret = "another";
    boot_both(net);
    net.run(5s);
    CHECK(net.state(0) == LinkState::refused);
    CHECK(net.state(1) == LinkState::refused);
    CHECK(net.nodes[0].ready);
    net.kill(1);
    net.nodes[1].secret = "secret";
    net.boot(1);
    CHECK(net.run_until(1s, [&] { return net.linked(); }));
}

TEST_CASE("a peer whose clock is days ahead is refused by the one that is behind") {
    SimNet net(1);
    net.nodes[1].clock_offset_ms = 3 * 24 * 3600 * 1000LL;
    boot_both(net);
    net.run(5s);
    CHECK_FALSE(net.paired());
    CHECK(net.nodes[0].said("clock-max-ahead"));
}

TEST_CASE("an idle link costs little and keeps quiet in the log") {
    LinkedNet net;
    net.run(500ms);
    const auto lines = net.nodes[0].log.size();
    const auto bytes = net.nodes[0].bytes_sent;
    net.run(10s);
    CHECK(net.nodes[0].log.size() == lines);
    CHECK(net.nodes[0].bytes_sent - bytes < 10 * 5 * 300);
}

TEST_CASE("a stranger is told nothing, holds no slot and is closed") {
    const auto probe =
        GENERATE(as<std::string>{}, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n",
                 "rep a 0 0 1 1\r\nx\r\n", "marugoto_end\r\n", "stats\r\n", "\x80\x0b\x00\x00",
                 "SSH-2.0-x\r\n", "\x16\x03\x01\x02\x00", "*1\r\n$4\r\nPING\r\n",
                 std::string(100000, '\0'), std::string(100000, '\xC7'));
    SimNet net(1);
    net.boot(0);
    const auto stranger = net.call(0);
    net.say(stranger, 0, probe);
    CHECK_FALSE(net.is_open(stranger, 0));
    CHECK(net.heard_by_stranger(stranger).empty());
    net.boot(1);
    CHECK(net.run_until(1s, [&] { return net.linked(); }));
}

TEST_CASE("a stranger that says nothing is closed after 2 s") {
    LinkedNet net;
    const auto stranger = net.call(0);
    net.run(1900ms);
    CHECK(net.is_open(stranger, 0));
    net.run(200ms);
    CHECK_FALSE(net.is_open(stranger, 0));
    CHECK(net.heard_by_stranger(stranger).empty());
    CHECK(net.linked());
}

TEST_CASE("of many silent strangers the oldest give way, and the peer still gets through") {
    SimNet net(1);
    net.boot(0);
    std::vector<ConnectionId> strangers;
    for (int i = 0; i < 100; ++i)
        strangers.push_back(net.call(0));
    int open = 0;
    for (const auto stranger : strangers)
        open += net.is_open(stranger, 0) ? 1 : 0;
    CHECK(open == static_cast<int>(Connections::stranger_limit));
    net.boot(1);
    CHECK(net.run_until(1s, [&] { return net.linked(); }));
    CHECK(net.nodes[0].log.size() < 2000);
}

TEST_CASE("random bytes from strangers never disturb a link") {
    twincached::lib::Random random(base_seed());
    INFO("TWINCACHED_SEED=" << base_seed());
    LinkedNet net;
    for (int i = 0; i < 500; ++i) {
        const auto stranger = net.call(static_cast<unsigned>(i % 2));
        std::string bytes;
        for (auto left = random.below(200); left > 0; --left) {
            bytes += static_cast<char>(random.next());
        }
        if (random.one_in(2)) bytes.insert(0, "\xC7");
        net.say(stranger, static_cast<unsigned>(i % 2), bytes);
        CHECK(net.heard_by_stranger(stranger).empty());
    }
    net.run(3s);
    CHECK(net.linked());
    CHECK(net.nodes[0].engine().link().sessions() == 1);
}

TEST_CASE("whatever the network and the processes do, the pair is linked soon after they rest") {
    for (std::uint64_t seed = base_seed(); seed < base_seed() + twincached::test::rounds(150, 10);
         ++seed) {
        INFO("TWINCACHED_SEED=" << seed);
        SimNet net(seed);
        twincached::lib::Random random(seed * 7919);
        net.delay_max = Timing::ms(random.below(60));
        boot_both(net);
        for (int step = 0; step < 20; ++step) {
            const auto n = static_cast<unsigned>(random.below(2));
            switch (random.below(9)) {
                case 0:
                    net.kill(n);
                    break;
                case 1:
                    net.vanish(n);
                    break;
                case 2:
                    net.boot(n);
                    break;
                case 3:
                    net.stop(n);
                    break;
                case 4:
                    net.partitioned = !net.partitioned;
                    break;
                case 5:
                    net.mute[n] = !net.mute[n];
                    break;
                default:
                    break;
            }
            if (net.nodes[n].stopped && random.one_in(2)) net.resume(n);
            net.run(Timing::ms(random.below(random.one_in(2) ? 50 : 2500)));
        }
        net.partitioned = net.mute[0] = net.mute[1] = false;
        for (unsigned n = 0; n < 2; ++n) {
            if (net.nodes[n].stopped) net.resume(n);
            if (!net.nodes[n].process) net.boot(n);
        }
        const bool linked = net.run_until(8s, [&] { return net.linked(); });
        if (!linked) UNSCOPED_INFO(net.nodes[0].log + "---\n" + net.nodes[1].log);
        REQUIRE(linked);
        net.run(3s);
        REQUIRE(net.linked());
    }
}

TEST_CASE("a node tells what its peer says of itself, and when it last heard it") {
    LinkedNet net;
    net.run(1000ms);
    auto report = net.nodes[1].engine().report(net.now(1));
    REQUIRE(report.peer_state);
    CHECK(report.peer_state->serving);
    CHECK(report.peer_state->role == static_cast<std::uint8_t>(Role::primary));
    REQUIRE(report.last_contact);
    const auto heard = *report.last_contact;
    CHECK(instant_of(net.now(1)) - heard <= 2 * default_timing().heartbeat);
    net.kill(0);
    net.run(5000ms);
    report = net.nodes[1].engine().report(net.now(1));
    CHECK_FALSE(report.peer_state);
    REQUIRE(report.last_contact);
    CHECK(instant_of(net.now(1)) - *report.last_contact >= 4000ms);
}
