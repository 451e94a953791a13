// What one node's clients use, told to the other: when, to whom, and how much of it at a time.
#include "replication/records/data_frames.hpp"
#include "test/unit/replication/exchange_pair.hpp"

#include <catch2/catch.hpp>

namespace twincached::replication::pair {

namespace {

constexpr auto tick_ms = static_cast<std::uint64_t>(Exchange::tick.count());

std::uint64_t hints_told(const ExchangeNode& node) {
    return node.stats()[ExchangeCounter::hints_sent];
}

}  // namespace

TEST_CASE("hints of use gather for a tick before they are told") {
    ExchangePair pair;
    pair.link();
    pair.come_to_rest();
    pair.pass(tick_ms);
    pair.a.sink.on_hint(0, 1);
    pair.speak(pair.a);
    CHECK(hints_told(pair.a) == 1);
    pair.a.sink.on_hint(0, 2);
    pair.a.sink.on_hint(0, 3);
    pair.pass(tick_ms - 1);
    pair.speak(pair.a);
    CHECK(hints_told(pair.a) == 1);
    pair.pass(1);
    pair.speak(pair.a);
    CHECK(hints_told(pair.a) == 3);
}

TEST_CASE("a peer that understands no hints is told none, nor is one that has gone") {
    ExchangePair pair;
    auto peer = pair.b.exchange.standing(pair.now);
    peer.capabilities &= ~capability_hints;
    pair.a.exchange.begin(peer, pair.now);
    pair.a.sink.on_hint(0, 1);
    pair.speak(pair.a);
    pair.pass(tick_ms);
    pair.speak(pair.a);
    CHECK(hints_told(pair.a) == 0);
    pair.cut();
    pair.a.sink.on_hint(0, 1);
    pair.link();
    pair.speak(pair.a);
    CHECK(hints_told(pair.a) == 0);
}

TEST_CASE("hints wait for room: where a full frame of them would not fit, none are told") {
    constexpr std::size_t most = frame_header_size + Hints::limit * 8;
    for (const std::size_t room : {most - 1, most, most + 1}) {
        ExchangePair pair;
        pair.link();
        pair.come_to_rest();
        pair.pass(tick_ms);
        pair.a.sink.on_hint(0, 1);
        pair.a.exchange.produce(pair.a.out, room, pair.now);
        INFO(room << " bytes of room");
        CHECK(hints_told(pair.a) == (room < most ? 0 : 1));
    }
}

TEST_CASE("an item that the other node's clients use is worth more here") {
    ExchangePair pair;
    pair.link();
    pair.set(pair.a, "k", "v");
    pair.come_to_rest();
    const auto read = [&] { pair.get(pair.a, "k"); };
    read();
    pair.pass(tick_ms);
    pair.come_to_rest();
    const auto heard = pair.b.stats()[ExchangeCounter::hints_received];
    CHECK(heard == hints_told(pair.a));
    CHECK(heard > 0);
}

}  // namespace twincached::replication::pair
