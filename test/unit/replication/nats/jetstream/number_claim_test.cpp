#include "replication/nats/jetstream/number_claim.hpp"

#include "test/unit/replication/nats/jetstream/fake_wire.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::replication::nats {
namespace {

using std::chrono::milliseconds;

struct Node {
    explicit Node(std::uint64_t identity, unsigned number = 1)
        : session(settings(identity, number)), claim(session) {}

    static BrokerSettings settings(std::uint64_t identity, unsigned number) {
        BrokerSettings settings;
        settings.names = {"web", "", "MC_web", "", number};
        settings.identity = identity;
        settings.place = "host" + std::to_string(identity);
        return settings;
    }
    void connect(milliseconds now) {
        session.at(now);
        session.begin(wire, 1000, "_INBOX." + std::to_string(session.settings().identity));
        claim.begin();
    }
    void disconnect() {
        session.end();
        claim.clear();
    }
    void hear_question(std::string_view payload, std::string_view reply) {
        WireMessage message;
        message.payload = payload;
        message.reply = reply;
        claim.on_question(message);
    }
    void hear_answer(std::string_view payload, int status = 0) {
        WireMessage message;
        message.payload = payload;
        message.status = status;
        claim.on_answer(message);
    }
    void wait_until(milliseconds now) {
        session.at(now);
        claim.on_timer();
    }

    FakeWire wire;
    BrokerSession session;
    NumberClaim claim;
};

// Hands over what the two have sent, in the order that the bits of `order` say: 1, b's is first.
void let_talk(Node& a, Node& b, unsigned order) {
    for (; !a.wire.sent.empty() || !b.wire.sent.empty(); order >>= 1U) {
        const bool is_from_b = a.wire.sent.empty() || ((order & 1U) != 0 && !b.wire.sent.empty());
        auto& from = is_from_b ? b : a;
        auto& to = is_from_b ? a : b;
        const auto message = from.wire.sent.front();
        from.wire.sent.pop_front();
        if (message.subject == to.claim.subject()) {
            to.hear_question(message.payload, message.reply);
        } else {
            to.hear_answer(message.payload);
        }
    }
}

}  // namespace

TEST_CASE("a number that nobody has is held at once") {
    Node node(7);
    node.connect(milliseconds(1000));
    REQUIRE(node.wire.sent.size() == 1);
    CHECK(node.wire.sent.front().subject == "mcask.web.number.1");
    CHECK(node.wire.sent.front().payload == "1 0 7 host7");
    CHECK_FALSE(node.claim.is_held());
    node.hear_answer({}, status_no_responders);
    CHECK(node.claim.is_held());
    CHECK(node.claim.objection().empty());
    CHECK_FALSE(node.claim.deadline());
}

TEST_CASE("who has a number keeps it, and another one is told where it is") {
    Node first(9);
    first.connect(milliseconds(1000));
    first.hear_answer({}, status_no_responders);
    first.wire.sent.clear();
    first.session.at(milliseconds(5000));
    Node second(7);
    second.connect(milliseconds(100));
    let_talk(first, second, 0);
    CHECK(first.claim.is_held());
    CHECK_FALSE(second.claim.is_held());
    CHECK(second.claim.objection() ==
          "another node is node 1 of the cluster web, at host9: each needs a number of its own");
    second.wait_until(milliseconds(10'000));
    CHECK_FALSE(second.claim.is_held());
}

TEST_CASE("of two who come at once one gets it, whoever is heard first") {
    for (unsigned order = 0; order < 16; ++order) {
        CAPTURE(order);
        Node a(7);
        Node b(8);
        a.connect(milliseconds(1000));
        b.connect(milliseconds(1000));
        let_talk(a, b, order);
        a.wait_until(milliseconds(1500));
        b.wait_until(milliseconds(1500));
        CHECK(a.claim.is_held());
        CHECK_FALSE(b.claim.is_held());
        CHECK_FALSE(b.claim.objection().empty());
    }
}

TEST_CASE("a stranger who is first after the broker was away gives it back") {
    Node node(9);
    node.connect(milliseconds(1000));
    node.hear_answer({}, status_no_responders);
    node.disconnect();
    node.wire.sent.clear();
    Node stranger(7);
    stranger.connect(milliseconds(1000));
    stranger.hear_answer({}, status_no_responders);
    stranger.wire.sent.clear();
    CHECK(stranger.claim.is_held());
    stranger.session.at(milliseconds(2000));
    node.connect(milliseconds(60'000));
    let_talk(node, stranger, 0);
    CHECK_FALSE(stranger.claim.is_held());
    CHECK_FALSE(stranger.claim.objection().empty());
    node.wait_until(*node.claim.deadline());
    CHECK(node.claim.is_held());
}

TEST_CASE("who stood still while another took the number has held it no longer") {
    Node node(9);
    node.connect(milliseconds(1000));
    node.hear_answer({}, status_no_responders);
    node.wire.sent.clear();
    Node taker(7);
    taker.connect(milliseconds(1000));
    taker.wait_until(milliseconds(1500));
    taker.wire.sent.clear();
    REQUIRE(taker.claim.is_held());
    node.session.at(milliseconds(60'000));
    node.claim.yield("it stood still");
    CHECK_FALSE(node.claim.is_held());
    CHECK(node.claim.objection().find("it stood still: ") == 0);
    node.disconnect();
    taker.session.at(milliseconds(2000));
    node.connect(milliseconds(61'000));
    let_talk(node, taker, 0);
    CHECK(taker.claim.is_held());
    CHECK_FALSE(node.claim.is_held());
    CHECK(node.claim.objection().find("at host7") != std::string::npos);
}

TEST_CASE("a connection that nobody has any more holds no number for longer than its patience") {
    Node node(7);
    node.connect(milliseconds(1000));
    REQUIRE(node.claim.deadline() == milliseconds(1500));
    node.wait_until(milliseconds(1499));
    CHECK_FALSE(node.claim.is_held());
    node.wait_until(milliseconds(1500));
    CHECK(node.claim.is_held());
}

TEST_CASE("what is no claim is nobody's") {
    for (const auto* text : {"", "1", "1 ", "2 0 7 x", "1 0 7", "1 a 7 x", "1 0 -7 x", "1 -1 7 x",
                             "1 0 7 a\nb", "1 0 7 \x1b[2J", "1 99999999999 7 x"}) {
        CAPTURE(text);
        CHECK_FALSE(read_claim(text));
    }
    CHECK_FALSE(read_claim("1 0 7 " + std::string(129, 'x')));
    const auto claim = read_claim("1 4294967295 18446744073709551615 a host, process 7");
    REQUIRE(claim);
    CHECK(claim_text(*claim) == "1 4294967295 18446744073709551615 a host, process 7");

    Node node(7);
    node.connect(milliseconds(1000));
    node.hear_question("1 99 8", "there");
    node.hear_answer("nonsense");
    CHECK(node.claim.objection().empty());
    CHECK(node.wire.sent.size() == 1);
}

TEST_CASE("what a node hears of itself is no other node") {
    Node node(7);
    node.connect(milliseconds(1000));
    node.hear_question("1 99 7 host7", "there");
    node.hear_answer("1 99 7 host7");
    CHECK(node.claim.objection().empty());
}

}  // namespace twincached::replication::nats
