// Each allocation that a session makes fails in turn: the client is closed then, or has its answer;
// the process lives, and its next client is served.
#include "app/sessions/session.hpp"

#include "app/sessions/session_registry.hpp"
#include "test/support/failing_allocations.hpp"
#include "test/unit/protocol/test_service.hpp"
#include "test/unit/rounds.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {
namespace {

using Kind = FailingAllocations::Kind;

// A client of a thread, at the other end of a pair of sockets.
class Client {
  public:
    explicit Client(SessionSurroundings& surroundings) : surroundings_(surroundings) {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()) == 0);
        session_ = std::make_unique<Session>(surroundings, NewClient{.descriptor = ends_[1]});
    }
    ~Client() { ::close(ends_[0]); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // False: it was closed.
    bool ask(std::string_view bytes, std::size_t piece) {
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            const auto part = bytes.substr(at, piece);
            if (::send(ends_[0], part.data(), part.size(), MSG_NOSIGNAL) < 0) return false;
            if (!serve()) return false;
        }
        return true;
    }
    std::string heard;

  private:
    bool serve() {
        for (;;) {
            const auto action = session_->take_turn(surroundings_.clock.now());
            hear();
            if (action == SessionAction::end) return false;
            if (action == SessionAction::wait_for_input) return true;
        }
    }
    void hear() {
        std::array<char, 65536> bytes;
        for (;;) {
            const auto count = ::recv(ends_[0], bytes.data(), bytes.size(), MSG_DONTWAIT);
            if (count <= 0) return;
            if (heard.size() < heard.capacity() - bytes.size())
                heard.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }

    SessionSurroundings& surroundings_;
    std::array<int, 2> ends_{};
    std::unique_ptr<Session> session_;
};

std::string large_set(std::string_view key, std::size_t bytes) {
    return "set " + std::string(key) + " 0 0 " + std::to_string(bytes) + "\r\n" +
           std::string(bytes, 'v') + "\r\n";
}

std::string text_talk() {
    std::string keys;
    for (int i = 0; i < 600; ++i)
        keys += " key-number-" + std::to_string(i);
    return "set k 1 0 5\r\nvalue\r\n" + large_set("medium", 5000) + large_set("large", 100'000) +
           "append large 0 0 2\r\nvv\r\nget k medium large nothing\r\ngets k k k k\r\n" +
           "gat 100 medium medium medium medium k large\r\nget" + keys + "\r\n" +
           large_set("too-large", 1'100'000) + "incr k 1\r\nset n 0 0 1\r\n7\r\nincr n 5\r\n" +
           "mg medium v t f c s k O123 q\r\nms m 3 T100\r\nabc\r\nmg a_miss v N30\r\nma n N0\r\n" +
           "md m\r\nme k\r\nmn\r\nstats\r\nstats items\r\nstats slabs\r\nstats settings\r\n" +
           "stats conns\r\nstats detail on\r\nget pre:fix\r\nstats detail dump\r\n" +
           "stats hotkeys on\r\nstats hotkeys\r\nstats cachedump 1 0\r\nlru mode flat\r\n" +
           "lru_crawler sleep 5\r\nslabs automove 1\r\nflush_all 5\r\nverbosity 1\r\n" +
           "refresh_certs\r\nnonsense\r\nversion\r\n";
}

std::string packet(unsigned char opcode, std::string_view key, std::string_view extras,
                   std::string_view value) {
    const auto body = key.size() + extras.size() + value.size();
    std::string bytes(24, '\0');
    bytes[0] = '\x80';
    bytes[1] = static_cast<char>(opcode);
    bytes[3] = static_cast<char>(key.size());
    bytes[4] = static_cast<char>(extras.size());
    bytes[9] = static_cast<char>(body >> 16);
    bytes[10] = static_cast<char>(body >> 8 & 0xFF);
    bytes[11] = static_cast<char>(body & 0xFF);
    return bytes.append(extras).append(key).append(value);
}

std::string binary_talk() {
    const std::string eight(8, '\0');
    return packet(1, "k", eight, "value") + packet(1, "large", eight, std::string(100'000, 'v')) +
           packet(0x0c, "large", "", "") + packet(0, "k", "", "") + packet(0x0d, "k", "", "") +
           packet(0x0e, "k", "", "more") + packet(0x10, "", "", "") + packet(0x0b, "", "", "") +
           packet(4, "k", "", "") + packet(0x0a, "", "", "");
}

// Returns how many allocations the talk makes, having let each of them fail.
std::uint64_t fail_each(std::string_view talk, std::size_t piece, Kind kind,
                        const protocol::Settings* settings = nullptr) {
    for (std::uint64_t number = 1;; number += twincached::test::rounds(1U, 2U)) {
        INFO("allocation " << number << " fails, pieces of " << piece);
        protocol::test::TestService service;
        if (settings != nullptr) service.settings_to_change() = *settings;
        SystemClock clock;
        SessionBuffers buffers;
        SessionSurroundings surroundings{service, service.counters, clock, buffers};
        bool was_closed = false;
        bool has_struck = false;
        {
            Client client(surroundings);
            client.heard.reserve(4 << 20);
            const FailingAllocations failing(number, kind);
            was_closed = !client.ask(talk, piece);
            has_struck = failing.has_failed();
        }
        if (was_closed) CHECK(has_struck);
        if (was_closed) CHECK(service.total(protocol::Count::malloc_fails) == 1);
        Client next(surroundings);
        next.heard.reserve(1 << 20);
        CHECK(next.ask("set next 0 0 1\r\nv\r\nget next\r\n", 100));
        CHECK(next.heard == "STORED\r\nVALUE next 0 1\r\nv\r\nEND\r\n");
        if (!has_struck) return number;
    }
}

}  // namespace

// Where pieces are small, more is held from one turn to the next.
TEST_CASE("any allocation of a session may fail: its client is closed, and nobody else") {
    const auto piece = twincached::test::rounds(std::size_t{1'500}, std::size_t{60'000});
    CHECK(fail_each(text_talk(), piece, Kind::once) > 20);
    CHECK(fail_each(binary_talk(), 60'000, Kind::once) > 5);
}

TEST_CASE("where no allocation of a session succeeds any more, only its client is closed") {
    CHECK(fail_each(text_talk(), 60'000, Kind::from_then_on) > 20);
    CHECK(fail_each(binary_talk(), 60'000, Kind::from_then_on) > 5);
}

TEST_CASE("an answer is whole, or its client is closed") {
    const std::string keys = " small medium small large medium";
    const auto talk = "get" + keys + "\r\ngat 0" + keys + "\r\nmg medium v\r\nmg small v\r\n";
    const std::string small(500, 's');
    std::string whole;
    bool has_struck = true;
    for (std::uint64_t number = 0; has_struck; ++number) {
        INFO("allocation " << number << " fails; 0: none");
        protocol::test::TestService service;
        protocol::test::Client writer(service);
        writer.say("set small 0 0 500\r\n" + small + "\r\n" + large_set("medium", 5000) +
                   large_set("large", 100'000));
        SystemClock clock;
        SessionBuffers buffers;
        SessionSurroundings surroundings{service, service.counters, clock, buffers};
        Client client(surroundings);
        client.heard.reserve(1 << 20);
        if (number == 0) {
            REQUIRE(client.ask(talk, talk.size()));
            whole = client.heard;
            continue;
        }
        const FailingAllocations failing(number);
        const bool was_closed = !client.ask(talk, talk.size());
        has_struck = failing.has_failed();
        if (!was_closed) CHECK(client.heard == whole);
    }
}

TEST_CASE("a client for whose session there is no memory is closed, counted and gives its place") {
    protocol::test::TestService service;
    SystemClock clock;
    SessionBuffers buffers;
    SessionSurroundings surroundings{service, service.counters, clock, buffers};
    ConnectionLimit limit(1);
    SessionRegistry registry(limit);
    Session* session = nullptr;
    for (std::uint64_t number = 1; session == nullptr; ++number) {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
        REQUIRE(limit.take());
        {
            const FailingAllocations failing(number);
            session = registry.begin(surroundings, NewClient{.descriptor = ends[1]});
        }
        char byte = 0;
        const bool is_closed = ::recv(ends[0], &byte, 1, 0) == 0;
        CHECK(is_closed == (session == nullptr));
        CHECK(limit.current() == (session == nullptr ? 0 : 1));
        CHECK(service.total(protocol::Count::malloc_fails) ==
              number - (session == nullptr ? 0 : 1));
        ::close(ends[0]);
    }
    registry.end(*session);
}

}  // namespace twincached::app
