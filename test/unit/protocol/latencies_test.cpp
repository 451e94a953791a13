#include "protocol/observation/latencies.hpp"

#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <string>

namespace twincached::protocol {
namespace {

using test::Client;
using test::TestService;

constexpr LatencySeries text_get{LatencyDialect::text, LatencyKind::get};

// Every look at it takes a microsecond.
std::int64_t ticking() noexcept {
    static std::int64_t time = 0;
    return time += 1000;
}

// Requests one after the other, each of which is measured.
class Measured {
  public:
    Measured() { service_.counters.times.set_clock(ticking); }

    void say(std::string_view bytes) {
        service_.counters.times.try_again();
        client_.say(bytes);
    }
    std::uint64_t count(LatencyDialect dialect, LatencyKind kind) const {
        return tally().count({dialect, kind});
    }
    std::uint64_t all() const {
        std::uint64_t all = 0;
        for (std::size_t i = 0; i < LatencySeries::count; ++i)
            all += tally().count(LatencySeries::of(i));
        return all;
    }
    LatencyTally tally() const {
        LatencyTally tally;
        tally.add(service_.counters.times);
        return tally;
    }

  private:
    TestService service_;
    Client client_{service_};
};

}  // namespace

TEST_CASE("what took longer than all steps tell is in the last one, however long it took") {
    constexpr std::uint64_t second = std::uint64_t{1} << LatencySteps::last_power;
    for (const auto time : {second + 1, second + second / 4, second + second / 4 + 1, 2 * second,
                            4 * second, std::numeric_limits<std::uint64_t>::max()}) {
        INFO(time << " ns");
        CHECK(LatencySteps::of(time) == LatencySteps::count - 1);
    }
    CHECK(LatencySteps::of(second) == LatencySteps::count - 2);
}

TEST_CASE("each time falls into the step whose bound it does not exceed") {
    CHECK(LatencySteps::of(0) == 0);
    for (std::size_t step = 0; step + 1 < LatencySteps::count; ++step) {
        const auto bound = LatencySteps::bound(step);
        CHECK(LatencySteps::of(bound) == step);
        CHECK(LatencySteps::of(bound + 1) == step + 1);
        // A quantile is too high by a quarter at most.
        if (step > 0) CHECK(4 * bound <= 5 * LatencySteps::bound(step - 1));
    }
    CHECK(LatencySteps::of(std::numeric_limits<std::uint64_t>::max()) == LatencySteps::count - 1);
}

TEST_CASE("steps of a power of two are every fourth, from 256 ns to a second") {
    CHECK(LatencySteps::bound(0) == 256);
    CHECK(LatencySteps::bound(4) == 512);
    CHECK(LatencySteps::bound(8) == 1024);
    CHECK(LatencySteps::bound(LatencySteps::count - 2) == std::uint64_t{1} << 30);
}

TEST_CASE("a quantile is the end of the step in which it lies") {
    RequestTimes times;
    for (int i = 0; i < 98; ++i)
        times.note(text_get, 1000);
    times.note(text_get, 10'000);
    times.note(text_get, 5'000'000'000);
    LatencyTally tally;
    CHECK(tally.quantile(text_get, 50) == 0);
    tally.add(times);
    CHECK(tally.count(text_get) == 100);
    CHECK(tally.nanoseconds(text_get) == 5'000'108'000);
    CHECK(tally.quantile(text_get, 50) == 1024);
    CHECK(tally.quantile(text_get, 98) == 1024);
    CHECK(tally.quantile(text_get, 99) == 10'240);
    CHECK(tally.quantile(text_get, 100) == std::uint64_t{1} << 30);
    CHECK(tally.count_within(text_get, LatencySteps::of(1000)) == 98);
    tally.add(times);
    CHECK(tally.count(text_get) == 200);
}

TEST_CASE("a clock that has gone back is no time at all") {
    RequestTimes times;
    times.note(text_get, -1);
    LatencyTally tally;
    tally.add(times);
    CHECK(tally.count_within(text_get, 0) == 1);
    CHECK(tally.nanoseconds(text_get) == 0);
}

TEST_CASE("a request is counted by its dialect and by what it asked for") {
    using Dialect = LatencyDialect;
    using Kind = LatencyKind;
    struct Case {
        std::string bytes;
        Dialect dialect;
        Kind kind;
    };
    const Case cases[] = {
        {"set a 0 0 1\r\nx\r\n", Dialect::text, Kind::set},
        {"get a\r\n", Dialect::text, Kind::get},
        {"get a b c\r\n", Dialect::text, Kind::get},
        {"gets a\r\n", Dialect::text, Kind::get},
        {"delete a\r\n", Dialect::text, Kind::other},
        {"version\r\n", Dialect::text, Kind::other},
        {"nonsense\r\n", Dialect::text, Kind::other},
        {"ms a 1\r\nx\r\n", Dialect::meta, Kind::set},
        {"mg a v\r\n", Dialect::meta, Kind::get},
        {"md a\r\n", Dialect::meta, Kind::other},
    };
    for (const auto& [bytes, dialect, kind] : cases) {
        INFO(bytes);
        Measured node;
        node.say(bytes);
        CHECK(node.count(dialect, kind) == 1);
        CHECK(node.all() == 1);
        CHECK(node.tally().nanoseconds({dialect, kind}) == 1000);
    }
}

TEST_CASE("packets are counted as the binary dialect's") {
    using namespace std::string_literals;
    const auto packet = [](char opcode) {
        return "\x80"s + opcode + "\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0k"s;
    };
    Measured node;
    node.say(packet('\0'));
    CHECK(node.count(LatencyDialect::binary, LatencyKind::get) == 1);
    node.say(packet('\4'));
    CHECK(node.count(LatencyDialect::binary, LatencyKind::other) == 1);
}

TEST_CASE("a request that has come in part is measured when it is whole") {
    Measured node;
    node.say("get a");
    CHECK(node.all() == 0);
    node.say("\r\n");
    CHECK(node.count(LatencyDialect::text, LatencyKind::get) == 1);
}

TEST_CASE("one request in a hundred is measured, and none without a clock") {
    TestService service;
    Client client(service);
    const auto count = [&] {
        LatencyTally tally;
        tally.add(service.counters.times);
        return tally.count({LatencyDialect::text, LatencyKind::other});
    };
    for (int i = 0; i < 1000; ++i)
        client.say("version\r\n");
    CHECK(count() == 0);
    service.counters.times.set_clock(ticking);
    for (int i = 0; i < 10'000; ++i)
        client.say("version\r\n");
    CHECK(count() > 50);
    CHECK(count() < 200);
}

TEST_CASE("a series is told once one of its requests was measured") {
    LatencyTally tally;
    std::size_t told = 0;
    std::string text;
    const auto note = [&](const lib::Figure& figure, std::string_view value) {
        ++told;
        text += std::string(figure.name) + "=" + std::string(value) + " ";
    };
    lib::visit_figures(latency_rows(), tally, note);
    CHECK(told == 0);
    RequestTimes times;
    times.note({LatencyDialect::meta, LatencyKind::set}, 1200);
    tally.add(times);
    lib::visit_figures(latency_rows(), tally, note);
    CHECK(text ==
          "latency_meta_set_measured=1 latency_meta_set_p50_us=1.280 "
          "latency_meta_set_p99_us=1.280 ");
    CHECK(latency_rows().size() == 27);
}

}  // namespace twincached::protocol
