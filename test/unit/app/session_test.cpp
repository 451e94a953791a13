#include "app/sessions/session.hpp"

#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

namespace twincached::app {
namespace {

// A session at one end of a pair of sockets, its client at the other. Turns are taken by hand.
struct Wire {
    Wire() : Wire(make_ends()) {}
    ~Wire() {
        if (client >= 0) ::close(client);
    }

    void say(std::string_view bytes) const {
        REQUIRE(::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    std::string hear() const {
        std::string all(1 << 20, '\0');
        const auto size = ::recv(client, all.data(), all.size(), MSG_DONTWAIT);
        all.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return all;
    }
    void hang_up() {
        ::close(client);
        client = -1;
    }
    SessionAction turn() { return session.take_turn(clock.now()); }
    // How it ends, or what it waits for then.
    SessionAction ask_without_reading(int times) {
        std::string many;
        for (int i = 0; i < times; ++i)
            many += "get k\r\n";
        say(many);
        auto action = SessionAction::pause;
        while (action == SessionAction::pause)
            action = turn();
        return action;
    }
    void hear_to_the_end() {
        while (!session.status().waits_for(SessionAction::wait_for_input)) {
            hear();
            turn();
        }
    }
    // Another client of the same thread.
    struct Other {
        explicit Other(Wire& wire) : Other(wire, make_ends()) {}
        ~Other() { ::close(client); }
        void say(std::string_view bytes) {
            REQUIRE(::send(client, bytes.data(), bytes.size(), 0) ==
                    static_cast<ssize_t>(bytes.size()));
            session.take_turn(SystemClock().now());
        }

        int client;
        Session session;

      private:
        Other(Wire& wire, std::array<int, 2> ends)
            : client(ends[0]), session(wire.surroundings, {.descriptor = ends[1]}) {}
    };

    protocol::test::TestService service;
    SystemClock clock;
    SessionBuffers buffers;
    SessionSurroundings surroundings{service, service.counters, clock, buffers};
    int client;
    Session session;

  private:
    static std::array<int, 2> make_ends() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
        return ends;
    }
    explicit Wire(std::array<int, 2> ends)
        : client(ends[0]), session(surroundings, {.descriptor = ends[1]}) {}
};

}  // namespace

TEST_CASE("a session answers what has arrived and waits for more") {
    Wire wire;
    wire.say("set k 0 0 1\r\nv\r\nget k\r\nget");
    CHECK(wire.turn() == SessionAction::wait_for_input);
    CHECK(wire.hear() == "STORED\r\nVALUE k 0 1\r\nv\r\nEND\r\n");
    wire.say(" k\r\n");
    CHECK(wire.turn() == SessionAction::wait_for_input);
    CHECK(wire.hear() == "VALUE k 0 1\r\nv\r\nEND\r\n");
}

TEST_CASE("a session ends when its client hangs up or quits") {
    Wire gone;
    gone.hang_up();
    CHECK(gone.turn() == SessionAction::end);
    Wire quits;
    quits.say("version\r\nquit\r\n");
    CHECK(quits.turn() == SessionAction::end);
    CHECK(quits.hear() == "VERSION 1.6.45\r\n");
}

TEST_CASE("a session that has used up its requests pauses and goes on by itself") {
    Wire wire;
    wire.service.settings_to_change().requests_per_event = 2;
    wire.say("mn\r\nmn\r\nmn\r\n");
    CHECK(wire.turn() == SessionAction::pause);
    CHECK(wire.hear() == "MN\r\nMN\r\n");
    CHECK(wire.turn() == SessionAction::wait_for_input);
    CHECK(wire.hear() == "MN\r\n");
}

TEST_CASE("a session reads nothing while its client does not read") {
    Wire wire;
    wire.say("set k 0 0 200000\r\n" + std::string(100'000, 'v'));
    while (wire.turn() != SessionAction::wait_for_input) {
    }
    wire.say(std::string(100'000, 'v') + "\r\n");
    while (wire.turn() != SessionAction::wait_for_input) {
    }
    REQUIRE(wire.hear() == "STORED\r\n");
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "get k\r\n";
    wire.say(many);
    while (wire.turn() != SessionAction::wait_for_room) {
    }
    wire.say("get more\r\n");
    CHECK(wire.turn() == SessionAction::wait_for_room);
    std::size_t heard = 0;
    for (int i = 0; i < 100'000 && !wire.session.status().waits_for(SessionAction::wait_for_input);
         ++i) {
        heard += wire.hear().size();
        wire.turn();
    }
    heard += wire.hear().size();
    const std::string_view head = "VALUE k 0 200000\r\n";
    CHECK(heard == 100 * (head.size() + 200'000 + 2 + 5) + 5);
}

TEST_CASE("a client that reads as fast as it is written to lets others have their turn") {
    Wire wire;
    constexpr std::size_t size = 100'000;
    wire.say("set k 0 0 " + std::to_string(size) + "\r\n" + std::string(size, 'v') + "\r\n");
    while (wire.turn() != SessionAction::wait_for_input) {
    }
    REQUIRE(wire.hear() == "STORED\r\n");
    // Room for all that is asked for: it could be written at once.
    const int room = 16 << 20;
    ::setsockopt(wire.session.client().descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    std::string line = "get";
    for (int i = 0; i < 64; ++i)
        line += " k";
    wire.say(line + "\r\n");
    std::size_t pauses = 0;
    std::size_t heard = 0;
    for (auto action = SessionAction::pause; action != SessionAction::wait_for_input;) {
        action = wire.turn();
        if (action == SessionAction::pause) ++pauses;
        for (auto more = wire.hear().size(); more > 0; more = wire.hear().size())
            heard += more;
    }
    CHECK(heard > 64 * size);
    CHECK(pauses >= 1);
}

TEST_CASE("whatever a client has sent and nobody has executed counts as unread") {
    Wire wire;
    CHECK_FALSE(wire.session.has_unread());
    wire.say("mn\r\n");
    CHECK(wire.session.has_unread());  // in the socket
    wire.turn();
    CHECK_FALSE(wire.session.has_unread());
    const auto half = GENERATE(as<std::string>(), "se", "set k 0 0 5\r\nva",
                               "set k 0 0 100000\r\nva", "set k 0 0 9999999\r\nva", "\x80\x01");
    wire.say(half);
    wire.turn();
    CHECK(wire.session.has_unread());
}

TEST_CASE("a pipeline that pauses is unread until its last request is executed") {
    Wire wire;
    std::string many;
    for (int i = 0; i < 1000; ++i)
        many += "set k 0 0 1\r\nv\r\n";
    wire.say(many);
    REQUIRE(wire.turn() == SessionAction::pause);
    CHECK(wire.session.has_unread());
    while (wire.turn() == SessionAction::pause) {
    }
    CHECK_FALSE(wire.session.has_unread());
}

TEST_CASE("a drained session ends at once if it is idle, and with all answers if it is not") {
    Wire idle;
    idle.session.drain();
    CHECK(idle.turn() == SessionAction::end);
    Wire asked;
    asked.say("version\r\n");
    asked.session.drain();
    CHECK(asked.turn() == SessionAction::end);
    CHECK(asked.hear() == "VERSION 1.6.45\r\n");
}

TEST_CASE("a drained session lets its client finish a request") {
    Wire wire;
    wire.say("set k 0 0 4\r\nha");
    CHECK(wire.turn() == SessionAction::wait_for_input);
    wire.session.drain();
    CHECK(wire.turn() == SessionAction::wait_for_input);
    wire.say("lf\r\n");
    CHECK(wire.turn() == SessionAction::end);
    CHECK(wire.hear() == "STORED\r\n");
}

TEST_CASE("bytes in both directions are counted") {
    Wire wire;
    wire.say("version\r\n");
    wire.turn();
    CHECK(wire.service.counters.totals.get(protocol::Count::bytes_read) == 9);
    CHECK(wire.service.counters.totals.get(protocol::Count::bytes_written) == wire.hear().size());
}

TEST_CASE("what a session holds for its client between two turns is counted") {
    Wire wire;
    const auto& memory = wire.service.counters.memory;
    wire.say("version\r\n");
    wire.turn();
    CHECK(memory.requests() + memory.answers() == 0);
    wire.say("set k 0 0 4\r\nha");
    wire.turn();
    CHECK(memory.requests() == 1);
    CHECK(memory.request_bytes() >= 15);
    wire.say("lf\r\n");
    wire.turn();
    CHECK(memory.requests() == 0);
    CHECK(memory.request_bytes() == 0);
    wire.say("set k 0 0 4000\r\n" + std::string(4000, 'v') + "\r\n");
    wire.turn();
    wire.ask_without_reading(2000);
    CHECK(memory.answers() == 1);
    CHECK(memory.answer_bytes_held() > 4000);
    wire.hear_to_the_end();
    CHECK(memory.answers() == 0);
    CHECK(memory.answer_bytes_held() == 0);
}

TEST_CASE("a session that ends with half a request gives its memory back") {
    Wire wire;
    const auto& memory = wire.service.counters.memory;
    {
        Wire::Other other(wire);
        other.say("set k 0 0 4\r\nha");
        CHECK(memory.requests() == 1);
    }
    CHECK(memory.requests() == 0);
    CHECK(memory.request_bytes() == 0);
}

TEST_CASE("over the limit for buffers who does not read is closed, and counted") {
    Wire wire;
    wire.service.counters.memory.set_limit(100'000);
    wire.say("set k 0 0 4000\r\n" + std::string(4000, 'v') + "\r\n");
    CHECK(wire.turn() == SessionAction::wait_for_input);
    // Whoever reads may ask for more than the limit.
    for (int i = 0; i < 100; ++i) {
        wire.say("get k\r\n");
        CHECK(wire.turn() == SessionAction::wait_for_input);
        wire.hear();
    }
    CHECK(wire.ask_without_reading(2000) == SessionAction::end);
    CHECK(wire.service.total(protocol::Count::response_obj_oom) == 1);
}

TEST_CASE("over the limit for buffers who sends without an end is closed, and counted") {
    Wire wire;
    wire.service.counters.memory.set_limit(100'000);
    std::string line = "get";
    for (int i = 0; i < 12'000; ++i)
        line += " some-key";
    auto action = SessionAction::wait_for_input;
    for (std::size_t at = 0; at < line.size() && action != SessionAction::end; at += 10'000) {
        wire.say(std::string_view(line).substr(at, 10'000));
        do
            action = wire.turn();
        while (action == SessionAction::pause);
    }
    CHECK(action == SessionAction::end);
    CHECK(wire.service.total(protocol::Count::read_buf_oom) == 1);
}

TEST_CASE("over the limit for buffers who holds less than its share stays") {
    Wire wire;
    wire.service.counters.memory.set_limit(300'000);
    Wire::Other heavy(wire);
    for (int i = 0; i < 4; ++i)
        heavy.say((i == 0 ? "get " : "") + std::string(60'000, 'k'));
    const auto before = wire.service.counters.memory.request_bytes();
    REQUIRE(before > 200'000);
    wire.service.counters.memory.set_limit(before);
    wire.say("se");
    CHECK(wire.turn() == SessionAction::wait_for_input);
    CHECK(wire.session.bytes().held() > 0);
    CHECK(wire.session.bytes().held() < heavy.session.bytes().held());
    // It is the poller that ends the other one.
    CHECK_FALSE(wire.service.counters.memory.has_room_for(0));
}

TEST_CASE("an answer of which a part has left goes on, whatever the limit for buffers") {
    Wire wire;
    const std::string value(30'000, 'v');
    wire.say("set k 0 0 30000\r\n" + value + "\r\n");
    wire.turn();
    wire.hear();
    constexpr std::size_t keys = 500;
    wire.service.counters.memory.set_limit(keys / 2 * protocol::ClientMemory::answer_bytes);
    std::string line = "get";
    for (std::size_t i = 0; i < keys; ++i)
        line += " k";
    wire.say(line + "\r\n");
    std::string answer;
    for (std::string part = "first"; !part.empty(); answer += part) {
        (void)wire.turn();
        part = wire.hear();
    }
    CHECK(answer.find("SERVER_ERROR") == std::string::npos);
    CHECK(answer.size() == keys * (17 + 30'000 + 2) + 5);
}

TEST_CASE("over the limit for buffers a get of many keys is refused, and the next is not") {
    Wire wire;
    wire.service.counters.memory.set_limit(262'144);
    wire.say("set k 0 0 1\r\nv\r\n");
    wire.turn();
    wire.hear();
    const auto get = [&](int keys) {
        std::string line = "get";
        for (int i = 0; i < keys; ++i)
            line += " k";
        wire.say(line + "\r\n");
        while (wire.turn() == SessionAction::pause) {
        }
        return wire.hear();
    };
    CHECK(get(100).size() == 100 * 16 + 5);
    CHECK(get(5000) == "SERVER_ERROR out of memory writing get response\r\n");
    CHECK(wire.service.total(protocol::Count::response_obj_oom) == 1);
    CHECK(get(100).size() == 100 * 16 + 5);
    wire.service.counters.memory.set_limit(0);
    CHECK(get(5000).size() == 5000 * 16 + 5);
}

}  // namespace twincached::app
