// The clock of versions at the ends of its range, and what is believed of versions from outside.
#include "storage/version.hpp"

#include <catch2/catch.hpp>

#include <limits>

namespace twincached::storage {
namespace {

constexpr std::uint64_t highest = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t day_ms = 24ULL * 3600 * 1000;
constexpr std::uint64_t now_ms = 60'000'000'000;  // towards the end of 2026

constexpr Version at(std::uint64_t ms) {
    return ms << 23;
}

}  // namespace

TEST_CASE("a version as far ahead as the gate allows is believed, one further is not") {
    constexpr VersionGate gate(now_ms, day_ms);
    CHECK(gate.admits(0));
    CHECK(gate.admits(at(now_ms)));
    CHECK(gate.admits(at(now_ms + day_ms)));
    CHECK(gate.admits(at(now_ms + day_ms + 1) - 1));
    CHECK_FALSE(gate.admits(at(now_ms + day_ms + 1)));
    CHECK_FALSE(gate.admits(highest));
    CHECK(gate.admits_time((now_ms + day_ms) << 10));
    CHECK_FALSE(gate.admits_time((now_ms + day_ms + 1) << 10));
    CHECK_FALSE(gate.admits_time(highest));
}

TEST_CASE("no item's version is believed that has the CAS unique 0") {
    constexpr VersionGate gate(now_ms, day_ms);
    CHECK_FALSE(gate.admits_item(0));
    CHECK_FALSE(gate.admits_item(0x7FF));
    CHECK(gate.admits_item(0x800));
    CHECK_FALSE(gate.admits_item(highest));
}

TEST_CASE("a gate of any clock and any distance does not overflow") {
    for (const std::uint64_t now : {std::uint64_t{0}, now_ms, std::uint64_t{1} << 41, highest}) {
        for (const std::uint64_t ahead : {std::uint64_t{0}, day_ms, highest}) {
            const VersionGate gate(now, ahead);
            CHECK(gate.admits(at(std::min(now, (std::uint64_t{1} << 41) - 1))));
            if (now == 0 && ahead == 0) CHECK_FALSE(gate.admits(at(1)));
        }
    }
}

TEST_CASE("a clock at the end of its range stands still, and never begins again") {
    for (auto clock : {VersionClock::hybrid(1), VersionClock::counter()}) {
        clock.observe(highest);
        clock.pass(highest);
        clock.pass_time(highest);
        Version last = 0;
        for (int i = 0; i < 10; ++i) {
            const auto next = clock.next_write(i % 2 == 0 ? now_ms : highest);
            CHECK(cas_of(next) != 0);
            CHECK(next >= last);
            last = next;
        }
        CHECK(cas_of(last) > (std::uint64_t{1} << 53) - 5);
    }
}

TEST_CASE("a clock that is told of a time beyond its range gives no version of another node") {
    auto clock = VersionClock::hybrid(2);
    clock.pass_time(highest);
    CHECK(node_of(clock.next_write(highest)) == 2);
}

TEST_CASE("a new clock's first version has a CAS unique, also where the wall clock is at 0") {
    CHECK(cas_of(VersionClock::hybrid(0).next_write(0)) != 0);
    CHECK(cas_of(VersionClock::counter().next_write(0)) == 1);
}

TEST_CASE(
    "after a restart versions go by the time that is right, until the node's clock is set back") {
    constexpr std::uint64_t right_ms = 50'000'000;
    constexpr std::uint64_t lead_ms = 172'800'000;
    auto clock = VersionClock::hybrid(1);
    (void)clock.next_write(right_ms + lead_ms);
    clock.restart(right_ms, right_ms + lead_ms);
    const auto first = clock.next_write(right_ms + lead_ms + 5);
    CHECK(time_of(first) >> 10 == right_ms + 5);
    // One that looked at its clock a moment before.
    const auto second = clock.next_write(right_ms + lead_ms - 2);
    CHECK(second > first);
    CHECK(time_of(second) >> 10 == right_ms + 5);
    CHECK(time_of(clock.next_write(right_ms + 1000)) >> 10 == right_ms + 1000);
    CHECK(time_of(clock.next_write(right_ms + lead_ms)) >> 10 == right_ms + lead_ms);
}

TEST_CASE("a restart by a clock that has no lead is one, and no more") {
    auto clock = VersionClock::hybrid(1);
    (void)clock.next_write(9'000'000);
    clock.restart(1'000'000, 999'000);
    CHECK(time_of(clock.next_write(1'000'001)) >> 10 == 1'000'001);
}

TEST_CASE("what a clock that was ahead gave is corrected by its lead, and keeps its place") {
    const ClockLead lead{5000, 1000};
    const auto of = [](std::uint64_t ms, Version rest) { return ms << 23 | rest; };
    CHECK(lead.corrected(of(4999, 7)) == of(4999, 7));
    CHECK(lead.corrected(of(5000, 0x7FFFFF)) == of(5000, 0x7FFFFF));
    CHECK(lead.corrected(of(5001, 7)) == of(4001, 7));
    CHECK(lead.corrected(of(5998, 7)) == of(4998, 7));
    CHECK(lead.corrected(of(6000, 7)) == of(4999, 7));
    CHECK(lead.corrected(of(9000, 7)) == of(4999, 7));  // never ahead
    CHECK(lead.corrected(0) == 0);
    CHECK(ClockLead{10, 1'000'000}.corrected(of(20, 7)) == of(1, 7));  // nor nothing
}

}  // namespace twincached::storage
