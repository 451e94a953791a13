// A peer that has proved itself and tells of versions that cannot be, in every frame that carries
// one: the session ends with a line, the node serves on with versions of its own time, and an
// honest peer is accepted afterwards.
#include "test/unit/replication/hostile_peer.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <limits>
#include <string>
#include <vector>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;
using storage::Version;

namespace {

constexpr std::uint64_t day_ms = 24ULL * 3600 * 1000;
constexpr std::uint64_t start_ms = 50'000'000'000;
constexpr storage::BucketNumber bucket = 7;
constexpr std::uint64_t hash = std::uint64_t{bucket} << 48 | 5;

constexpr Version version_at(std::uint64_t ms) {
    return ms << 23;
}

struct Way {
    const char* name;
    std::function<void(HostilePeer&, Version)> tell;
};

WireRecord record_of(RecordKind kind, Version version) {
    WireRecord record;
    record.kind = kind;
    record.version = version;
    record.key = "its key";
    if (kind == RecordKind::item) record.value = "its value";
    return record;
}

void tell_segment(HostilePeer& peer, Version version) {
    const std::string piece(segment_size, 'x');
    Segment segment;
    segment.total = 600U << 10;
    segment.record = record_of(RecordKind::item, version);
    segment.record.value = piece;
    peer.say_next(segment);
}

const std::vector<Way>& ways() {
    static const std::vector<Way> all{
        {"item", [](auto& p, auto v) { p.say_record(record_of(RecordKind::item, v)); }},
        {"removal", [](auto& p, auto v) { p.say_record(record_of(RecordKind::removal, v)); }},
        {"touch", [](auto& p, auto v) { p.say_record(record_of(RecordKind::touch, v)); }},
        {"segment", tell_segment},
        {"list",
         [](auto& p, auto v) {
             p.say_list(bucket, 0, {{hash, v}});
         }},
        {"floor", [](auto& p, auto v) { p.say_list(bucket, v, {}); }},
        {"digest",
         [](auto& p, auto v) {
             p.say_digests(bucket, {{v, 1}});
         }},
        {"scrub",
         [](auto& p, auto v) {
             p.say_list(bucket, 0, {{hash, v}}, FrameType::scrub_list);
         }},
        {"flush", [](auto& p, auto v) { p.say_next(Flush{v}); }},
        {"schedule",
         [](auto& p, auto v) {
             p.say_next(Schedule{1000, 0, v});
         }},
        {"planned",
         [](auto& p, auto v) {
             p.say_next(Schedule{1000, 1'000'000, v});
         }},
    };
    return all;
}

// The node's own versions are of its own time, its clients are served, and peers are let in.
void check_unharmed(HostilePeer& peer) {
    CHECK(peer.store.version_time() >> 10 <= peer.now.version_ms + day_ms);
    CHECK(peer.store.flush_version() <= version_at(peer.now.version_ms + day_ms + 1));
    CHECK(peer.serves());
    peer.hello.version_time = 0;
    peer.hello.flush_version = peer.hello.schedule_version = 0;
    peer.hello.version_ms = peer.now.version_ms;
    CHECK(peer.begin_session());
    CHECK(peer.serves());
}

}  // namespace

TEST_CASE("a version of the far future ends the session, by whatever frame it comes") {
    for (const auto& way : ways()) {
        for (const Version version :
             {std::numeric_limits<Version>::max(), std::numeric_limits<Version>::max() - 0x1FFF,
              version_at(start_ms + day_ms + 1), Version{1} << 63}) {
            INFO(way.name << " of version " << version);
            HostilePeer peer;
            REQUIRE(peer.begin_session());
            way.tell(peer, version);
            CHECK_FALSE(peer.engine.has_session());
            CHECK(peer.said("further ahead than clock-max-ahead"));
            CHECK(peer.engine.link().refusals() == 1);
            CHECK(peer.engine.exchange().stats()[ExchangeCounter::versions_refused] == 1);
            check_unharmed(peer);
        }
    }
}

TEST_CASE(
    "a version within clock-max-ahead is followed, and an honest peer is accepted then, too") {
    for (const auto& way : ways()) {
        INFO(way.name);
        HostilePeer peer;
        REQUIRE(peer.begin_session());
        way.tell(peer, version_at(start_ms + day_ms));
        CHECK(peer.engine.has_session());
        check_unharmed(peer);
    }
}

TEST_CASE("a record of which no CAS unique could be made ends the session") {
    for (std::size_t i = 0; i < 5; ++i) {
        const auto& way = ways()[i];
        INFO(way.name);
        HostilePeer peer;
        REQUIRE(peer.begin_session());
        way.tell(peer, 0x7FF);
        CHECK_FALSE(peer.engine.has_session());
        check_unharmed(peer);
    }
}

TEST_CASE("a HELLO that tells of a version of the far future is refused, whatever it is of") {
    constexpr auto highest = std::numeric_limits<std::uint64_t>::max();
    const std::vector<std::function<void(Hello&)>> lies{
        [](Hello& hello) { hello.version_time = highest; },
        [](Hello& hello) { hello.version_time = (start_ms + day_ms + 1) << 10; },
        [](Hello& hello) { hello.version_ms = highest; },
        [](Hello& hello) { hello.version_ms = start_ms + day_ms + 1; },
        [](Hello& hello) { hello.flush_version = highest; },
        [](Hello& hello) { hello.schedule_version = highest; },
        // Above its own clock, though not above this node's.
        [](Hello& hello) { hello.flush_version = version_at(start_ms); },
        [](Hello& hello) { hello.schedule_version = version_at(start_ms); },
    };
    for (std::size_t i = 0; i < lies.size(); ++i) {
        INFO("lie " << i);
        HostilePeer peer;
        lies[i](peer.hello);
        CHECK_FALSE(peer.begin_session());
        CHECK(peer.said("clock-max-ahead"));
        check_unharmed(peer);
    }
}
