#include "app/process/node_clock.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

namespace twincached::app {
namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1000 * ms;
constexpr std::int64_t start_2026 = 1'767'225'600 * second;
constexpr std::uint64_t year_ms = 365ULL * 24 * 3600 * 1000;

// A machine: its wall clock is `offset` away from boot time.
struct Machine {
    std::int64_t boot_ns = 5 * second;
    std::int64_t offset_ns = start_2026 - 5 * second;

    ClockReading reading() const { return {boot_ns, boot_ns + offset_ns}; }
};

}  // namespace

TEST_CASE("a clock starts at the first tick and at the wall clock's versions") {
    const Machine machine;
    const NodeClock clock(machine.reading());
    const auto now = clock.now(machine.reading());
    CHECK(now.tick() == storage::first_tick);
    CHECK(now.version_ms == year_ms);
    CHECK(now.unix_seconds == start_2026 / second);
}

TEST_CASE(
    "a clock that goes on from before a restart keeps its ticks and takes the wall's versions") {
    const ClockReading start{77'000'000'000, 1'800'000'000'000'000'000};
    NodeClock clock(start);
    clock.go_on_from(1'234'567, start);
    CHECK(clock.now(start).steady_ms == 1'234'567);
    const ClockReading later{start.boot_ns + 5'000'000'000, start.real_ns + 5'000'000'000};
    CHECK(clock.now(later).steady_ms == 1'239'567);
    CHECK(clock.now(later).version_ms == NodeClock(start).now(later).version_ms);
}

TEST_CASE("all clocks advance together while nobody steps the wall clock") {
    Machine machine;
    NodeClock clock(machine.reading());
    machine.boot_ns += 90 * second + 250 * ms;
    clock.steer(machine.reading());
    const auto now = clock.now(machine.reading());
    CHECK(now.tick() == storage::first_tick + 90);
    CHECK(now.version_ms == year_ms + 90'250);
    CHECK(now.unix_seconds == start_2026 / second + 90);
}

TEST_CASE("a step ahead of the wall clock moves versions at once, and no tick") {
    Machine machine;
    NodeClock clock(machine.reading());
    machine.boot_ns += 10 * second;
    machine.offset_ns += 3600 * second;
    clock.steer(machine.reading());
    const auto now = clock.now(machine.reading());
    CHECK(now.tick() == storage::first_tick + 10);
    CHECK(now.version_ms == year_ms + 3'610'000);
    CHECK(now.unix_seconds == start_2026 / second + 3610);
}

TEST_CASE("a step back of the wall clock moves versions at once where none was given ahead of it") {
    Machine machine;
    NodeClock clock(machine.reading());
    machine.boot_ns += 10 * second;
    machine.offset_ns -= 3600 * second;
    clock.steer(machine.reading(), {year_ms - 3'600'000});
    CHECK(clock.now(machine.reading()).version_ms == year_ms + 10'000 - 3'600'000);
    CHECK(clock.now(machine.reading()).tick() == storage::first_tick + 10);
}

TEST_CASE("a step back of the wall clock moves no version where one was given ahead of it") {
    Machine machine;
    NodeClock clock(machine.reading());
    machine.boot_ns += 10 * second;
    machine.offset_ns -= 3600 * second;
    clock.steer(machine.reading(), {year_ms});
    CHECK(clock.now(machine.reading()).version_ms == year_ms + 10'000);
    machine.boot_ns += 10 * second;
    clock.steer(machine.reading(), {year_ms});
    CHECK(clock.now(machine.reading()).version_ms == year_ms + 19'000);
}

TEST_CASE(
    "a step of the wall clock away from the peer's moves neither ticks nor versions at once") {
    Machine machine;
    NodeClock clock(machine.reading());
    // What the peer's clock is ahead of the steady one: it is where this one's was before the step.
    const auto peer = static_cast<std::int64_t>(year_ms) - storage::first_tick * 1000LL;
    machine.boot_ns += 10 * second;
    machine.offset_ns += 3600 * second;
    clock.steer(machine.reading(), {0, peer});
    CHECK(clock.now(machine.reading()).version_ms == year_ms + 10'000);
    machine.boot_ns += 10 * second;
    clock.steer(machine.reading(), {0, peer});
    CHECK(clock.now(machine.reading()).version_ms == year_ms + 21'000);
    // The peer's clock follows: then both are believed.
    clock.steer(machine.reading(), {0, peer + 3'600'000});
    CHECK(clock.now(machine.reading()).version_ms == year_ms + 3'620'000);
}

TEST_CASE("versions of another node's clock are followed, and time goes on from there") {
    Machine machine;
    NodeClock clock(machine.reading());
    clock.steer(machine.reading(), {year_ms + 3'600'000});
    CHECK(clock.now(machine.reading()).version_ms == year_ms + 3'600'000);
    machine.boot_ns += 10 * second;
    CHECK(clock.now(machine.reading()).version_ms == year_ms + 3'609'000);
}

TEST_CASE("versions are led to the wall clock by a tenth at most, and arrive") {
    for (const std::int64_t step : {-2 * second, 3 * second}) {
        Machine machine;
        NodeClock clock(machine.reading());
        const auto peer = static_cast<std::int64_t>(year_ms) - storage::first_tick * 1000LL;
        machine.offset_ns += step;
        auto last = clock.now(machine.reading()).version_ms;
        clock.steer(machine.reading(), {last, peer});
        for (int i = 0; i < 400; ++i) {
            machine.boot_ns += 100 * ms;
            if (i % 7 == 0)
                clock.steer(machine.reading(), {clock.now(machine.reading()).version_ms, peer});
            const auto now = clock.now(machine.reading()).version_ms;
            CHECK(now - last >= 89);
            CHECK(now - last <= 111);
            last = now;
        }
        CHECK(std::abs(clock.behind_ns(machine.reading())) <= ms);
    }
}

TEST_CASE("a wall clock before 2025 gives version time zero, not a huge one") {
    const NodeClock clock({0, 0});
    CHECK(clock.now({second, second}).version_ms == 0);
}

}  // namespace twincached::app
