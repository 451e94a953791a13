// Two nodes, in a simulated network, of which one's wall clock is wrong when it starts and right a
// second later: as of a machine without a battery, or of one whose time comes over the network.
#include "app/process/node_clock.hpp"
#include "test/unit/replication/sim_net.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t start_2026 = 1'767'225'600 * second;
constexpr std::int64_t hour = 3600 * second;
// While versions are led the wall clock is known in seconds.
constexpr std::int64_t offset_limit_ms = 1100;
constexpr std::int64_t to_1970 = -start_2026;

struct Clocks : SimNet {
    Clocks() : SimNet(1) {
        few_items = 1;  // a bucket that remembers a delete is told of
        clock = [this](unsigned n, Instant) { return clocks[n]->now(reading(n)); };
    }
    void start(unsigned n, std::int64_t wrong_by) {
        wrong_ns[n] = wrong_by;
        clocks[n].emplace(reading(n));
        boot(n);
    }
    app::ClockReading reading(unsigned n) const {
        const auto boot_ns = time.count() * 1'000'000;
        return {boot_ns, start_2026 + boot_ns + wrong_ns[n]};
    }
    storage::Store& store(unsigned n) { return *nodes[n].process->store; }
    // As maintenance does it.
    void pass(Timing::ms duration) {
        for (const auto end = time + duration; time < end;) {
            run(50ms);
            for (unsigned n = 0; n < 2; ++n) {
                if (!nodes[n].process) continue;
                const auto peer = nodes[n].engine().report(now(n)).peer_clock;
                clocks[n]->steer(reading(n), {store(n).version_time() >> 10, peer});
            }
        }
    }
    bool links_within(Timing::ms limit) {
        for (const auto end = time + limit; time < end && !linked();)
            pass(50ms);
        return linked();
    }
    void write(unsigned n, std::string_view key, std::string_view value) {
        storage::Write request;
        request.value = value;
        REQUIRE(store(n).write(store(n).key(key), now(n), request).outcome ==
                storage::WriteOutcome::stored);
    }
    std::string read(unsigned n, std::string_view key) {
        std::string value;
        store(n).get(store(n).key(key), now(n),
                     [&](const storage::ItemView& item) { value = item.value; });
        return value;
    }
    // Of two writes in a split, of which the second one is on node `last`.
    void check_later_wins(unsigned last) {
        partitioned = true;
        pass(5s);
        REQUIRE_FALSE(nodes[last].engine().has_session());
        for (int i = 0; i < 10; ++i)  // that it wrote more often helps it nothing
            write(1 - last, "k", "earlier");
        pass(1500ms);
        write(last, "k", "later");
        pass(1s);
        partitioned = false;
        REQUIRE(links_within(10s));
        pass(1s);
        CHECK(read(0, "k") == "later");
        CHECK(read(1, "k") == "later");
    }

    std::array<std::int64_t, 2> wrong_ns{};
    std::array<std::optional<app::NodeClock>, 2> clocks;
};

}  // namespace

TEST_CASE("a clock that is right a second after the start: linked, and the later write wins") {
    struct Case {
        std::int64_t wrong;
        bool writes_before;  // by the wrong clock
        unsigned last;       // the node of the later write
    };
    for (const auto& [wrong, writes_before, last] :
         {Case{to_1970, true, 0}, Case{-hour, true, 1}, Case{hour, true, 1},
          Case{48 * hour, true, 0}, Case{48 * hour, false, 1}}) {
        INFO("wrong by " << wrong / second << " s, the later write is on node " << last);
        Clocks net;
        net.start(1, 0);
        net.start(0, wrong);
        net.pass(500ms);
        if (writes_before) net.write(0, "k", "by a wrong clock");
        net.pass(500ms);
        net.wrong_ns[0] = 0;
        REQUIRE(net.links_within(4s));
        net.pass(1s);
        CHECK(std::abs(net.nodes[0].engine().report(net.now(0)).clock_offset_ms) <=
              offset_limit_ms);
        CHECK(std::abs(net.nodes[1].engine().report(net.now(1)).clock_offset_ms) <=
              offset_limit_ms);
        net.check_later_wins(last);
    }
}

TEST_CASE("two clocks that are wrong alike and are set right one after the other") {
    for (const auto& [wrong, last] : {std::pair(to_1970, 0U), std::pair(48 * hour, 1U)}) {
        INFO("wrong by " << wrong / second << " s, the later write is on node " << last);
        Clocks net;
        net.start(0, wrong);
        net.start(1, wrong);
        REQUIRE(net.links_within(2s));
        net.write(0, "k", "by a wrong clock");
        net.pass(500ms);
        net.wrong_ns[0] = 0;
        net.pass(1s);
        net.wrong_ns[1] = 0;
        REQUIRE(net.links_within(4s));
        net.pass(1s);
        CHECK(std::abs(net.nodes[0].engine().report(net.now(0)).clock_offset_ms) <=
              offset_limit_ms);
        net.check_later_wins(last);
    }
}

// Whoever comes back empty, with a clock that is right, believes nothing of what the other one
// tells.
TEST_CASE(
    "who alone holds what was written while clocks were wrong gives it to a peer that is empty") {
    Clocks net;
    SECTION("both were wrong at the start") {
        net.start(0, 48 * hour);
        net.start(1, 48 * hour);
        REQUIRE(net.links_within(2s));
    }
    SECTION("both were wrong for a moment") {
        net.start(0, 0);
        net.start(1, 0);
        REQUIRE(net.links_within(2s));
        net.write(0, "before", "value");
        net.pass(500ms);
        net.wrong_ns = {48 * hour, 48 * hour};
        net.pass(2s);
    }
    net.write(0, "by a wrong clock", "value");
    net.write(1, "deleted", "value");
    net.pass(500ms);
    net.wrong_ns = {};
    net.pass(3s);
    net.write(1, "by a right clock", "value");
    REQUIRE(net.store(1).remove(net.store(1).key("deleted"), net.now(1), {}).outcome ==
            storage::RemoveOutcome::removed);
    net.pass(1s);
    const auto held = net.store(0).stats().total.items;
    net.kill(1);
    net.pass(1s);
    net.write(0, "by a wrong clock", "newer");
    net.start(1, 0);
    REQUIRE(net.links_within(10s));
    net.pass(1s);
    for (unsigned n = 0; n < 2; ++n) {
        CHECK(net.store(n).stats().total.items == held);
        CHECK(net.read(n, "by a wrong clock") == "newer");
        CHECK(net.read(n, "by a right clock") == "value");
        CHECK(net.read(n, "deleted") == "");
    }
    net.check_later_wins(1);
}

TEST_CASE("a clock that is set wrong in a split does not decide who wins") {
    Clocks net;
    net.start(0, 0);
    net.start(1, 0);
    REQUIRE(net.links_within(2s));
    net.write(0, "k", "before");
    net.pass(1s);
    net.partitioned = true;
    net.pass(2s);
    net.wrong_ns[0] = 2 * hour;
    net.pass(1s);
    net.write(0, "k", "earlier, by a clock that is ahead");
    net.pass(1s);
    net.write(1, "k", "later");
    net.partitioned = false;
    REQUIRE(net.links_within(4s));
    net.pass(1s);
    CHECK(net.read(0, "k") == "later");
    CHECK(net.read(1, "k") == "later");
}

TEST_CASE("a clock that is set back by days while linked costs no session") {
    Clocks net;
    net.start(0, 0);
    net.start(1, 0);
    REQUIRE(net.links_within(2s));
    net.write(0, "k", "one");
    net.pass(1s);
    net.wrong_ns[0] = -72 * hour;
    net.pass(1s);
    net.write(1, "k", "two");
    net.pass(1s);
    CHECK(net.linked());
    CHECK(net.read(0, "k") == "two");
    CHECK(net.nodes[0].engine().link().sessions() == 1);
}
