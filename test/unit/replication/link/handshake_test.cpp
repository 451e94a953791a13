#include "replication/pair/link/handshake.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

using namespace twincached::replication;
using namespace twincached::replication::pair;
using twincached::lib::ByteBuffer;
using twincached::storage::Now;
using Step = Handshake::Step;

namespace {

constexpr std::uint64_t hour_ms = 3600 * 1000;
const Entropy entropy{1, 2, 3};

Self self_of(unsigned node, std::string secret = "opensesame") {
    Self self;
    self.cluster = "shop";
    self.secret = std::move(secret);
    self.node = node;
    self.epoch = 1000 + node;
    self.hash_check = 77;
    return self;
}

Now at(std::uint64_t version_ms) {
    Now now;
    now.version_ms = version_ms;
    return now;
}

// One end of a connection: feeds itself from bytes and does what the engine would.
struct End {
    Self self;
    Handshake handshake;
    ByteBuffer input;
    ByteBuffer output;
    Now now = at(100 * hour_ms);
    std::vector<Step> steps;
    bool broken = false;
    std::optional<std::uint64_t> hash_seed = {};

    End(Self who, Side side, std::uint64_t nonce)
        : self(std::move(who)), handshake(self, side, make_nonce(entropy, nonce)) {
        if (side == Side::dialler) handshake.begin(output);
    }
    End(const End&) = delete;

    void feed(std::string_view bytes) {
        input.append(bytes);
        for (;;) {
            const auto read = read_frame(input.readable(), handshake.payload_limit());
            if (read.status == FrameStatus::malformed) broken = true;
            if (read.status != FrameStatus::complete || is_over()) return;
            const auto step = handshake.on_frame(read.frame, now, output);
            steps.push_back(step);
            if (step == Step::say_hello || step == Step::answer_hello) say_hello();
            input.consume(read.size);
        }
    }
    void say_hello() {
        Hello hello;
        hello.epoch = self.epoch;
        hello.hash_check = self.hash_check;
        hello.version_ms = now.version_ms;
        hello.hash_seed = hash_seed;
        if (hash_seed) hello.wall_ms = static_cast<std::int64_t>(now.version_ms);
        handshake.write_hello(hello, output);
    }
    bool is_over() const {
        return !steps.empty() &&
               (last() == Step::refused || last() == Step::strange || last() == Step::peer_refused);
    }
    Step last() const { return steps.empty() ? Step::wait : steps.back(); }
    std::string take() {
        const std::string bytes(output.readable());
        output.clear();
        return bytes;
    }
};

struct Ends {
    End dialler;
    End acceptor;

    explicit Ends(Self a = self_of(0), Self b = self_of(1), std::uint64_t nonce = 1)
        : dialler(std::move(a), Side::dialler, nonce),
          acceptor(std::move(b), Side::acceptor, nonce + 1) {}

    void run() {
        for (int turn = 0; turn < 10; ++turn) {
            acceptor.feed(dialler.take());
            dialler.feed(acceptor.take());
        }
    }
};

}  // namespace

TEST_CASE("two nodes that share a secret come to know each other") {
    Ends ends;
    ends.run();
    CHECK(ends.dialler.last() == Step::complete);
    CHECK(ends.acceptor.last() == Step::answer_hello);
    CHECK(ends.dialler.handshake.peer_epoch() == 1001);
    CHECK(ends.acceptor.handshake.peer_epoch() == 1000);
    CHECK(ends.acceptor.handshake.dialled_by() == 0);
    CHECK(ends.dialler.handshake.dialled_by() == 0);
}

TEST_CASE("two nodes without a secret come to know each other") {
    Ends ends(self_of(0, ""), self_of(1, ""));
    ends.run();
    CHECK(ends.dialler.last() == Step::complete);
    CHECK(ends.acceptor.last() == Step::answer_hello);
}

TEST_CASE("both ends give the session one number, and every connection another") {
    Ends first;
    Ends second(self_of(0), self_of(1), 3);
    first.run();
    second.run();
    const auto number = first.dialler.handshake.session_number();
    CHECK(number != 0);
    CHECK(number == first.acceptor.handshake.session_number());
    CHECK(number != second.dialler.handshake.session_number());
}

TEST_CASE("an acceptor says not one byte to whoever has not begun properly") {
    End acceptor(self_of(1), Side::acceptor, 1);
    CHECK(acceptor.take().empty());
    acceptor.feed("\xC7");
    CHECK(acceptor.take().empty());
}

TEST_CASE("an acceptor proves itself only to whoever has proved itself") {
    Ends ends;
    ends.acceptor.feed(ends.dialler.take());
    const auto answer = ends.acceptor.take();
    const auto frame = read_frame(answer);
    REQUIRE(frame.status == FrameStatus::complete);
    CHECK(frame.frame.type == FrameType::challenge);
    CHECK(frame.size == answer.size());
}

TEST_CASE("a peer with another secret is refused by both ends, before any HELLO") {
    Ends ends(self_of(0, "opensesame"), self_of(1, "opensezame"));
    ends.run();
    CHECK(ends.acceptor.last() == Step::refused);
    CHECK(ends.acceptor.handshake.reason() == ErrorReason::proof);
    CHECK(ends.dialler.last() == Step::peer_refused);
}

TEST_CASE("a dialler refuses an acceptor that does not know the secret") {
    Ends ends;
    End impostor(self_of(1, "guess"), Side::acceptor, 9);
    impostor.feed(ends.dialler.take());
    ends.dialler.feed(impostor.take());
    ByteBuffer forged;
    write_frame(forged, Proof{Mac{1, 2, 3}});
    ends.dialler.feed(forged.readable());
    CHECK(ends.dialler.last() == Step::refused);
    CHECK(ends.dialler.handshake.reason() == ErrorReason::proof);
}

TEST_CASE(
    "a peer without a secret is refused by a node that has one, and says so, and vice versa") {
    Ends open(self_of(0, ""), self_of(1));
    open.run();
    CHECK(open.acceptor.last() == Step::refused);
    CHECK(open.acceptor.handshake.why() == "this node has a secret, the peer has none");
    Ends closed(self_of(0), self_of(1, ""));
    closed.run();
    CHECK(closed.acceptor.last() == Step::refused);
    CHECK(closed.acceptor.handshake.why() == "the peer has a secret, this node has none");
}

TEST_CASE("a node that knows two secrets lets in who proves either, and answers by the same") {
    auto knows_both = self_of(1, "new");
    knows_both.other_secret = "old";
    for (const auto* secret : {"new", "old"}) {
        INFO(secret);
        Ends ends(self_of(0, secret), knows_both);
        ends.run();
        CHECK(ends.dialler.last() == Step::complete);
        CHECK(ends.acceptor.handshake.is_by_other_secret() == (secret == std::string("old")));
    }
    Ends ends(self_of(0, "neither"), knows_both);
    ends.run();
    CHECK(ends.acceptor.last() == Step::refused);
    CHECK(ends.acceptor.handshake.reason() == ErrorReason::proof);
    // Who calls proves the first of the two, whatever the other end knows.
    Ends calls(knows_both, self_of(0, "old"));
    calls.run();
    CHECK(calls.acceptor.last() == Step::refused);
}

TEST_CASE("a secret that is exchanged in the middle of a handshake does not break it") {
    Ends ends;
    ends.acceptor.feed(ends.dialler.take());
    ends.dialler.feed(ends.acceptor.take());
    ends.dialler.self.secret = "another";
    ends.run();
    CHECK(ends.dialler.last() == Step::complete);
}

TEST_CASE("the seed of the keys' hash crosses the link masked, and only with a secret") {
    constexpr std::uint64_t seed = 0x1122'3344'5566'7788;
    for (const auto* secret : {"opensesame", ""}) {
        INFO(secret);
        Ends ends(self_of(0, secret), self_of(1, secret));
        ends.dialler.hash_seed = seed;
        ends.run();
        REQUIRE(ends.dialler.last() == Step::complete);
        const auto told = ends.acceptor.handshake.peer_hello().hash_seed;
        if (secret[0] == 0) {
            CHECK_FALSE(told);
            continue;
        }
        CHECK(told == seed);
        CHECK(ends.dialler.handshake.own_hello().hash_seed != seed);
    }
}

TEST_CASE("a recorded handshake that is replayed proves nothing") {
    Ends ends;
    std::string recorded;
    for (int turn = 0; turn < 5; ++turn) {
        const auto said = ends.dialler.take();
        recorded += said;
        ends.acceptor.feed(said);
        ends.dialler.feed(ends.acceptor.take());
    }
    REQUIRE(ends.acceptor.last() == Step::answer_hello);
    End fresh(self_of(1), Side::acceptor, 50);
    fresh.feed(recorded);
    CHECK(fresh.last() == Step::refused);
    CHECK(fresh.handshake.reason() == ErrorReason::proof);
}

TEST_CASE("a dialler that is sent its own bytes back refuses") {
    End dialler(self_of(0), Side::dialler, 1);
    dialler.feed(dialler.take());
    CHECK(dialler.last() == Step::refused);
    CHECK(dialler.handshake.reason() == ErrorReason::self);
}

TEST_CASE("a proof that is reflected with another challenge is refused") {
    End victim(self_of(0), Side::dialler, 1);
    ByteBuffer challenge;
    write_frame(challenge, Challenge{.node = 1, .epoch = 5, .nonce = {9}, .cluster = "shop"});
    victim.take();
    victim.feed(challenge.readable());
    victim.feed(victim.take());  // the victim's own PROOF
    CHECK(victim.last() == Step::refused);
    CHECK(victim.handshake.reason() == ErrorReason::proof);
}

TEST_CASE("whoever must not be paired is refused with the reason") {
    struct Case {
        ErrorReason reason;
        void (*spoil)(Self&);
    };
    const auto spoilt =
        GENERATE(Case{ErrorReason::cluster, [](Self& self) { self.cluster = "blog"; }},
                 Case{ErrorReason::node, [](Self& self) { self.node = 0; }},
                 Case{ErrorReason::self, [](Self& self) { self.epoch = 1000; }},
                 Case{ErrorReason::hash, [](Self& self) { self.hash_check = 78; }});
    auto b = self_of(1);
    spoilt.spoil(b);
    Ends ends(self_of(0), b);
    ends.run();
    CHECK(ends.acceptor.last() == Step::refused);
    CHECK(ends.acceptor.handshake.reason() == spoilt.reason);
    CHECK(ends.dialler.last() == Step::peer_refused);
}

TEST_CASE("a node number that no pair has is refused") {
    for (const unsigned number : {2U, 3U, 255U}) {
        INFO(number);
        End acceptor(self_of(1), Side::acceptor, 1);
        ByteBuffer bytes;
        write_frame(
            bytes,
            Challenge{.node = static_cast<std::uint8_t>(number), .epoch = 5, .cluster = "shop"});
        acceptor.feed(bytes.readable());
        CHECK(acceptor.last() == Step::refused);
        CHECK(acceptor.handshake.reason() == ErrorReason::node);
    }
}

TEST_CASE("a HELLO of another incarnation than the CHALLENGE's is not believed") {
    const auto liar = GENERATE(Side::dialler, Side::acceptor);
    Ends ends;
    ends.acceptor.feed(ends.dialler.take());  // each has said who it is ...
    ends.dialler.feed(ends.acceptor.take());
    (liar == Side::dialler ? ends.dialler : ends.acceptor).self.epoch = 5;
    ends.run();
    const auto& deceived = liar == Side::dialler ? ends.acceptor : ends.dialler;
    CHECK(deceived.last() == Step::strange);
    CHECK(deceived.handshake.why() == "a HELLO of another incarnation");
}

TEST_CASE("two nodes speak the newest version of the protocol that both know") {
    const auto ours = GENERATE(std::uint16_t{1}, std::uint16_t{2});
    const auto theirs = GENERATE(std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{3});
    auto a = self_of(0);
    auto b = self_of(1);
    a.protocol_newest = ours;
    b.protocol_newest = theirs;
    Ends ends(a, b);
    ends.run();
    CHECK(ends.dialler.last() == Step::complete);
    CHECK(ends.dialler.handshake.protocol() == std::min(ours, theirs));
    CHECK(ends.acceptor.handshake.protocol() == std::min(ours, theirs));
    CHECK(ends.dialler.handshake.peer_hello().protocol == std::min(ours, theirs));
}

TEST_CASE("a peer that speaks no common protocol version is refused") {
    End acceptor(self_of(1), Side::acceptor, 1);
    ByteBuffer bytes;
    write_frame(bytes,
                Challenge{.protocol_min = 7, .protocol_max = 9, .epoch = 5, .cluster = "shop"});
    acceptor.feed(bytes.readable());
    CHECK(acceptor.last() == Step::refused);
    CHECK(acceptor.handshake.reason() == ErrorReason::version);
}

TEST_CASE("of two nodes without a common protocol version each names both ranges") {
    constexpr std::string_view sentence = "the peer speaks link protocol 7 to 9, this node 1 to 3";
    ByteBuffer stranger;
    write_frame(stranger,
                Challenge{.protocol_min = 7, .protocol_max = 9, .epoch = 5, .cluster = "shop"});
    End acceptor(self_of(1), Side::acceptor, 1);
    acceptor.feed(stranger.readable());
    CHECK(acceptor.handshake.why() == sentence);
    // What it answers begins with its own range, so that the caller knows it, too.
    const auto answer = acceptor.take();
    End caller(self_of(0), Side::dialler, 2);
    caller.feed(answer);
    CHECK(caller.handshake.is_introduced());
    End dialler(self_of(0), Side::dialler, 3);
    dialler.feed(stranger.readable());
    CHECK(dialler.last() == Step::refused);
    CHECK(dialler.handshake.why() == sentence);
}

TEST_CASE("a peer further ahead than clock-max-ahead is refused, one just as far is not") {
    Ends near;
    near.dialler.now = at(124 * hour_ms);
    near.run();
    CHECK(near.acceptor.last() == Step::answer_hello);
    Ends far;
    far.dialler.now = at(124 * hour_ms + 1);
    far.run();
    CHECK(far.acceptor.last() == Step::refused);
    CHECK(far.acceptor.handshake.reason() == ErrorReason::clock);
}

TEST_CASE("a peer whose versions run far ahead of its clock is refused") {
    End acceptor(self_of(1, ""), Side::acceptor, 1);
    ByteBuffer bytes;
    write_frame(bytes, Challenge{.node = 0, .epoch = 1000, .cluster = "shop"});
    Hello hello;
    hello.epoch = 1000;
    hello.version_time = (125 * hour_ms) << 10;
    hello.version_ms = 100 * hour_ms;
    hello.hash_check = 77;
    write_frame(bytes, hello);
    acceptor.feed(bytes.readable());
    CHECK(acceptor.handshake.reason() == ErrorReason::clock);
}

TEST_CASE("nothing is accepted before the peer has proved who it is") {
    const auto type =
        GENERATE(FrameType::hello, FrameType::ready, FrameType::batch, FrameType::list,
                 FrameType::flush, FrameType::ack, FrameType::ping, FrameType::state);
    Ends ends;
    ends.acceptor.feed(ends.dialler.take());
    ByteBuffer bytes;
    write_empty_frame(bytes, type);
    ends.acceptor.take();
    ends.acceptor.feed(bytes.readable());
    CHECK(ends.acceptor.is_over());
}

TEST_CASE("frames in another order than the handshake's end it") {
    End acceptor(self_of(1), Side::acceptor, 1);
    ByteBuffer bytes;
    write_frame(bytes, Proof{});
    acceptor.feed(bytes.readable());
    CHECK(acceptor.last() == Step::strange);
}

TEST_CASE("a handshake that is cut at any byte neither completes nor breaks") {
    Ends whole;
    std::string said;
    for (int turn = 0; turn < 5; ++turn) {
        const auto bytes = whole.dialler.take();
        said += bytes;
        whole.acceptor.feed(bytes);
        whole.dialler.feed(whole.acceptor.take());
    }
    for (std::size_t cut = 0; cut < said.size(); ++cut) {
        End acceptor(self_of(1), Side::acceptor, 2);  // the same nonce: the proof holds
        acceptor.feed(std::string_view(said).substr(0, cut));
        REQUIRE(acceptor.last() != Step::answer_hello);
        REQUIRE_FALSE(acceptor.broken);
        acceptor.feed(std::string_view(said).substr(cut));
        REQUIRE(acceptor.last() == Step::answer_hello);
    }
}

TEST_CASE("a handshake in which any one bit is wrong does not complete") {
    Ends whole;
    std::string said;
    for (int turn = 0; turn < 5; ++turn) {
        const auto bytes = whole.dialler.take();
        said += bytes;
        whole.acceptor.feed(bytes);
        whole.dialler.feed(whole.acceptor.take());
    }
    for (std::size_t bit = 0; bit < said.size() * 8; ++bit) {
        auto spoilt = said;
        spoilt[bit / 8] = static_cast<char>(spoilt[bit / 8] ^ (1 << (bit % 8)));
        End acceptor(self_of(1), Side::acceptor, 2);
        acceptor.feed(spoilt);
        REQUIRE(acceptor.last() != Step::answer_hello);
    }
}

TEST_CASE("a stranger's words are shown printable and short") {
    CHECK(printable("a\nb\x01\xff") == "a?b??");
    CHECK(printable(std::string(1000, 'x')).size() == 200);
}
