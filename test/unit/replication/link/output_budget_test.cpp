// A peer that has proved itself, asks and asks, and reads nothing: what the node writes to it is
// bounded, and so is what it remembers to write.
#include "test/unit/replication/hostile_peer.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

// In a session with a node that cannot get rid of a byte from here on.
struct Deaf : HostilePeer {
    Deaf() {
        REQUIRE(begin_session());
        takes = false;
    }
    // As often as it takes to fill any budget, were each answered.
    template <class Ask>
    void ask_often(Ask ask, int times = 40'000) {
        for (int i = 0; i < times && engine.has_session(); ++i)
            ask(i);
        CHECK(most_untaken() <= Engine::output_bound_bytes);
    }
};

std::string payload_of_buckets(std::size_t count) {
    std::string payload;
    for (std::size_t i = 0; i < count; ++i) {
        payload += static_cast<char>(i & 0xFF);
        payload += static_cast<char>(i >> 8 & 0xFF);
    }
    return payload;
}

}  // namespace

TEST_CASE("a peer that sends PINGs and reads nothing gets no more than the output's limit") {
    Deaf peer;
    peer.ask_often([&](int i) { peer.say(Ping{.steady_ms = static_cast<std::uint64_t>(i)}); });
    CHECK(peer.engine.has_session());
    CHECK(peer.serves());
}

TEST_CASE("of many PINGs the latest is answered, and says how long it was held") {
    HostilePeer peer;
    REQUIRE(peer.begin_session());
    peer.takes = false;
    while (peer.untaken() < Engine::output_limit_bytes)
        peer.say(Ping{.steady_ms = 1});
    const auto written = peer.untaken();
    for (std::uint64_t i = 2; i <= 9; ++i)
        peer.say(Ping{.steady_ms = i});
    CHECK(peer.untaken() == written);
    peer.take_heard();
    peer.pass(30ms);
    peer.takes = true;
    peer.take_all();
    const auto heard = peer.take_heard();
    const auto read = read_frame(heard);
    REQUIRE(read.status == FrameStatus::complete);
    REQUIRE(read.frame.type == FrameType::pong);
    const auto pong = read_pong(read.frame.payload);
    REQUIRE(pong);
    CHECK(pong->echo_ms == 9);
    CHECK(pong->held_ms == 30);
}

TEST_CASE("a peer that lists what this node lacks and reads nothing gets no more than the limit") {
    Deaf peer;
    std::vector<BucketItem> items;
    for (std::uint64_t i = 0; i < 4096; ++i)
        items.push_back({(std::uint64_t{7} << 48) | i, (i + 1) << 13});
    peer.ask_often([&](int) { peer.say_list(7, 0, items); }, 1000);
    CHECK_FALSE(peer.engine.has_session());  // more wishes than an honest peer could cause
    CHECK(peer.serves());
}

TEST_CASE("what is wanted is told piece by piece, and acknowledged with the last of it") {
    HostilePeer peer;
    REQUIRE(peer.begin_session());
    peer.takes = false;
    std::vector<BucketItem> items;
    for (std::uint64_t i = 0; i < list_items_limit; ++i)
        items.push_back({(std::uint64_t{7} << 48) | i, (i + 1) << 13});
    peer.take_heard();
    peer.say_list(7, 0, items);
    peer.takes = true;
    for (int i = 0; i < 20; ++i)
        peer.take_all();
    const auto heard = peer.take_heard();
    std::size_t wanted = 0;
    std::uint64_t acknowledged = 0;
    for (std::string_view rest = heard; !rest.empty();) {
        const auto read = read_frame(rest);
        REQUIRE(read.status == FrameStatus::complete);
        rest.remove_prefix(read.size);
        if (read.frame.type != FrameType::ack) continue;
        CHECK(acknowledged == 0);
        const AckReader ack(read.frame.payload);
        wanted += ack.size();
        acknowledged = ack.seq();
    }
    CHECK(wanted == items.size());
    CHECK(acknowledged == 1);
}

TEST_CASE("a peer that asks for lists and reads nothing gets no more than the limit") {
    Deaf peer;
    const auto all = payload_of_buckets(storage::bucket_count);
    peer.ask_often([&](int) { peer.say_frame(FrameType::digest, 0, all); }, 300);
    peer.ask_often([&](int) { peer.say_frame(FrameType::scrub_want, 0, all); }, 300);
    CHECK(peer.engine.has_session());
}

TEST_CASE("a peer that tells digests and reads nothing gets no more than the limit") {
    Deaf peer;
    const std::vector<BucketDigest> differing(4096, BucketDigest{0, 1});
    peer.ask_often(
        [&](int i) {
            peer.say_digests(0, differing, i % 2 ? FrameType::digest : FrameType::scrub);
        },
        300);
    CHECK(peer.serves());
}

TEST_CASE("a peer that tells of newer versions in a scrub and reads nothing is not remembered") {
    Deaf peer;
    REQUIRE(peer.serves());
    const auto hash = peer.store.key("a client's key").hash;
    const auto bucket = storage::bucket_of(hash);
    const std::vector<BucketItem> newer(32, {hash, (peer.now.version_ms << 23) + (1U << 23)});
    const auto unread = peer.untaken();
    peer.ask_often([&](int) { peer.say_list(bucket, 0, newer, FrameType::scrub_list); });
    CHECK(peer.engine.has_session());
    CHECK(peer.untaken() - unread <= Engine::output_bound_bytes);
}

TEST_CASE("a peer that reads nothing is heard once in a heartbeat, one that reads is always") {
    HostilePeer peer;
    REQUIRE(peer.begin_session());
    const auto listens = [&] { return peer.engine.listens(peer.current, peer.now); };
    CHECK(listens());
    peer.takes = false;
    peer.say(Ping{});
    for (int i = 0; i < 11; ++i)
        peer.pass(20ms);
    CHECK(listens());
    peer.say(Ping{});
    CHECK_FALSE(listens());
    peer.pass(20ms);
    CHECK_FALSE(listens());
    for (int i = 0; i < 9; ++i)
        peer.pass(20ms);
    CHECK(listens());
    peer.say(Ping{});
    CHECK_FALSE(listens());
    peer.takes = true;
    peer.take_all();
    CHECK(listens());
}

TEST_CASE("a peer that reads nothing for long loses the session, whatever it says") {
    Deaf peer;
    for (int i = 0; i < 300 && peer.engine.has_session(); ++i) {
        peer.say(Ping{});
        peer.pass(20ms);
    }
    CHECK_FALSE(peer.engine.has_session());
    CHECK(peer.said("the peer takes nothing off the link"));
}
