// What the meta commands answer, flag by flag: what TEXT_PROTOCOL.md of memcached says of each, at
// the values where the answer turns. What silence they keep is in silence_test.cpp.
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace twincached::protocol {

namespace {

using test::Client;
using test::TestService;

struct Line {
    std::string_view said;  // with its end, and its value if it has one
    std::string_view answer;
};

struct MetaClient {
    TestService service;
    Client client{service};

    void check(const std::vector<Line>& lines) {
        for (const auto& [said, answer] : lines) {
            INFO(said);
            CHECK(client.say(said) == answer);
        }
    }
    void pass(unsigned seconds) {
        client.now.steady_ms += seconds * 1000ULL;
        client.now.unix_seconds += seconds;
    }
};

}  // namespace

TEST_CASE("mg: C leaves the value out if the client has that very one, and only the value") {
    MetaClient().check({
        {"ms k 2 E7\r\nab\r\n", "HD\r\n"},
        {"mg k v C6\r\n", "VA 2\r\nab\r\n"},
        {"mg k v C7 c\r\n", "HD c7\r\n"},
        {"mg k v C8\r\n", "VA 2\r\nab\r\n"},
        {"mg k C8 c\r\n", "HD c7\r\n"},
    });
}

TEST_CASE("mg: t tells the life that the item had, and with T after it the one that it has now") {
    MetaClient room;
    room.check({
        {"ms k 1 T100\r\nx\r\n", "HD\r\n"},
        {"mg k t\r\n", "HD t100\r\n"},
        {"mg k t T50\r\n", "HD t100\r\n"},
        {"mg k T40 t\r\n", "HD t40\r\n"},
        {"mg k t\r\n", "HD t40\r\n"},
        {"mg k T0 t\r\n", "HD t-1\r\n"},
        {"mg k t\r\n", "HD t-1\r\n"},
        {"mg new t v N30\r\n", "VA 0 t30 W\r\n\r\n"},
        {"mg new t\r\n", "HD t30 Z\r\n"},
    });
}

TEST_CASE("mg: of N and T the later decides how long what a miss creates shall live") {
    MetaClient room;
    room.check({
        {"mg a N30 T50 t\r\n", "HD t50 W\r\n"},
        {"mg a t\r\n", "HD t50 Z\r\n"},
        {"mg b T50 N30 t\r\n", "HD t30 W\r\n"},
        {"mg b t\r\n", "HD t30 Z\r\n"},
        {"mg c N30 t T0\r\n", "HD t30 W\r\n"},
        {"mg c t\r\n", "HD t-1 Z\r\n"},
        {"mg d N-1 T50\r\n", "HD W\r\n"},
        {"mg d t\r\n", "HD t50 Z\r\n"},
        {"mg e N30 T-1\r\n", "HD W\r\n"},
        {"mg e t\r\n", "EN\r\n"},
        {"mg d T40 N30 t\r\n", "HD t40 Z\r\n"},
        {"mg d t\r\n", "HD t40 Z\r\n"},
    });
}

TEST_CASE("mg: R behind T asks of the life that T has given") {
    MetaClient room;
    room.check({
        {"ms a 1\r\nx\r\n", "HD\r\n"},
        {"mg a R100 T50\r\n", "HD\r\n"},
        {"ms a 1\r\nx\r\n", "HD\r\n"},
        {"mg a T50 R100\r\n", "HD W\r\n"},
        {"ms b 1 T10\r\nx\r\n", "HD\r\n"},
        {"mg b T0 R100\r\n", "HD\r\n"},
        {"ms b 1 T10\r\nx\r\n", "HD\r\n"},
        {"mg b T500 R100\r\n", "HD\r\n"},
        {"ms b 1 T10\r\nx\r\n", "HD\r\n"},
        {"mg b R100 T500\r\n", "HD W\r\n"},
    });
}

TEST_CASE("mg: R asks one reader to renew what has less life left, and 0 or less asks nobody") {
    MetaClient room;
    room.check({
        {"ms k 1 T30\r\nx\r\n", "HD\r\n"},
        {"mg k R-1\r\n", "HD\r\n"},
        {"mg k R0\r\n", "HD\r\n"},
        {"mg k R30\r\n", "HD\r\n"},
        {"mg k R31\r\n", "HD W\r\n"},
        {"mg k R31\r\n", "HD Z\r\n"},
        {"mg k\r\n", "HD Z\r\n"},
        {"ms never 1\r\nx\r\n", "HD\r\n"},
        {"mg never R4294967295\r\n", "HD\r\n"},
    });
}

TEST_CASE("mg: N makes the item of a miss for one reader, and the marks say whose turn it is") {
    MetaClient room;
    room.check({
        {"mg k N30 v\r\n", "VA 0 W\r\n\r\n"},
        {"mg k N30 v\r\n", "VA 0 Z\r\n\r\n"},
        {"ms k 1 I\r\nx\r\n", "HD\r\n"},
        {"mg k v\r\n", "VA 1\r\nx\r\n"},
        {"md k I T30\r\n", "HD\r\n"},
        {"mg k v\r\n", "VA 1 X W\r\nx\r\n"},
        {"mg k v\r\n", "VA 1 Z X\r\nx\r\n"},
    });
}

TEST_CASE("mg: h, l and u tell of reads before this one, and leave no mark") {
    MetaClient room;
    room.check({{"ms k 1\r\nx\r\n", "HD\r\n"}, {"mg k u h\r\n", "HD h0\r\n"}});
    room.pass(7);
    room.check({{"mg k h l\r\n", "HD h0 l7\r\n"}, {"mg k h l\r\n", "HD h1 l0\r\n"}});
}

TEST_CASE("ms: s is the size that the item has now, or of what was sent if it is not stored") {
    MetaClient().check({
        {"ms k 3 s\r\nabc\r\n", "HD s3\r\n"},
        {"ms k 2 MA s\r\nde\r\n", "HD s5\r\n"},
        {"ms k 1 MP s\r\nz\r\n", "HD s6\r\n"},
        {"ms none 4 MA s\r\nabcd\r\n", "NS s4\r\n"},
        {"ms k 4 ME s\r\nabcd\r\n", "NS s4\r\n"},
    });
}

TEST_CASE("ms: c is the CAS unique that was stored, and 0 if none was") {
    MetaClient().check({
        {"ms k 1 c E9\r\nx\r\n", "HD c9\r\n"},
        {"ms k 1 c ME E10\r\nx\r\n", "NS c0\r\n"},
        {"ms k 1 c C8 E10\r\nx\r\n", "EX c0\r\n"},
        {"ms k 1 c C9 E10\r\nx\r\n", "HD c10\r\n"},
        {"ms none 1 c C9\r\nx\r\n", "NF c0\r\n"},
    });
}

TEST_CASE("ms: each mode stores as its classic verb does, and N makes what append does not find") {
    MetaClient().check({
        {"ms k 1 MR\r\nx\r\n", "NS\r\n"},
        {"ms k 1 ME\r\na\r\n", "HD\r\n"},
        {"ms k 1 ME\r\nb\r\n", "NS\r\n"},
        {"ms k 1 MR\r\nc\r\n", "HD\r\n"},
        {"ms k 1 MS\r\nd\r\n", "HD\r\n"},
        {"ms k 1 MX\r\ne\r\n", "CLIENT_ERROR invalid mode for ms M token\r\n"},
        {"mg k v\r\n", "VA 1\r\nd\r\n"},
        {"ms n 2 MA N60 s\r\nab\r\n", "HD s2\r\n"},
        {"mg n v t\r\n", "VA 2 t60\r\nab\r\n"},
    });
}

TEST_CASE("ma: each letter of its mode counts up or down, and never below 0") {
    MetaClient().check({
        {"ms n 1\r\n5\r\n", "HD\r\n"},
        {"ma n v\r\n", "VA 1\r\n6\r\n"},
        {"ma n v MI D4\r\n", "VA 2\r\n10\r\n"},
        {"ma n v M+\r\n", "VA 2\r\n11\r\n"},
        {"ma n v M-\r\n", "VA 2\r\n10\r\n"},
        {"ma n v MD D3\r\n", "VA 1\r\n7\r\n"},
        {"ma n v MD D7\r\n", "VA 1\r\n0\r\n"},
        {"ma n v MD\r\n", "VA 1\r\n0\r\n"},
        {"ma n v MX\r\n", "CLIENT_ERROR invalid mode for ma M token\r\n"},
    });
}

TEST_CASE("ma: t before T tells the life before, T before t the one after, N makes with J") {
    MetaClient().check({
        {"ms n 1 T100\r\n5\r\n", "HD\r\n"},
        {"ma n t\r\n", "HD t100\r\n"},
        {"ma n t T60\r\n", "HD t100\r\n"},
        {"ma n T50 t\r\n", "HD t50\r\n"},
        {"ma none N30 J12 D5 v t\r\n", "VA 2 t30\r\n12\r\n"},
        {"ma none v D5\r\n", "VA 2\r\n17\r\n"},
        {"ma missing v\r\n", "NF\r\n"},
        {"ma n E20 c\r\n", "HD c20\r\n"},
        {"ma n C19 c\r\n", "EX\r\n"},
        {"ma n C20 E21 c\r\n", "HD c21\r\n"},
    });
}

TEST_CASE("ma: of N and T the later decides how long what a miss creates shall live") {
    MetaClient().check({
        {"ma a N30 T50 t\r\n", "HD t50\r\n"},
        {"mg a t\r\n", "HD t50\r\n"},
        {"ma b T50 N30 t\r\n", "HD t30\r\n"},
        {"mg b t\r\n", "HD t30\r\n"},
        {"ma c N30 t T0\r\n", "HD t30\r\n"},
        {"mg c t\r\n", "HD t-1\r\n"},
        {"ma d N30 T-1\r\n", "HD\r\n"},
        {"mg d t\r\n", "EN\r\n"},
        {"ma c T40 N30 t\r\n", "HD t40\r\n"},
    });
}

TEST_CASE("md: C guards it, I leaves the item stale and x leaves it empty") {
    MetaClient().check({
        {"ms k 2 E5 F7\r\nab\r\n", "HD\r\n"},
        {"md k C4\r\n", "EX\r\n"},
        {"md k x\r\n", "HD\r\n"},
        {"mg k v f s\r\n", "VA 0 f0 s0\r\n\r\n"},
        {"md k I\r\n", "HD\r\n"},
        {"mg k\r\n", "HD X W\r\n"},
        {"md k\r\n", "HD\r\n"},
        {"md k\r\n", "NF\r\n"},
        {"mg k\r\n", "EN\r\n"},
    });
}

TEST_CASE("me: a key that came in base64 is shown so, and a look is a command of the dialect") {
    MetaClient room;
    room.check({
        {"ms Zm9v 3 b E7\r\nabc\r\n", "HD\r\n"},
        {"me foo\r\n", "ME Zm9v exp=-1 la=0 cas=7 fetch=no cls=1 size=65\r\n"},
    });
    CHECK(room.service.total(Count::cmd_meta) == 2);
}

TEST_CASE("a key in base64 comes back in base64, with b, and O and k whatever became of the item") {
    MetaClient().check({
        {"ms AAEC 1 b\r\nx\r\n", "HD\r\n"},
        {"mg AAEC b k O123\r\n", "HD kAAEC b O123\r\n"},
        {"mg AAEC b v\r\n", "VA 1\r\nx\r\n"},
        {"mg none k O9\r\n", "EN knone O9\r\n"},
        {"md AAED b k O9\r\n", "NF kAAED b O9\r\n"},
    });
}

}  // namespace twincached::protocol
