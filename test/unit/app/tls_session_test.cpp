// A session behind TLS: its client is a filter of the same kind at the other end of a socket pair.
#include "app/sessions/session.hpp"

#include "test/support/failing_allocations.hpp"
#include "test/unit/lib/certificates.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

namespace twincached::app {
namespace {

using lib::test::authority;
using lib::test::loaded;
using Side = lib::TlsStream::Side;
using State = lib::TlsStream::State;

TlsOptions tls_options() {
    TlsOptions options;
    options.write_buffer_bytes = 16 * 1024;
    options.handshake_timeout = std::chrono::seconds(10);
    return options;
}

// Keys take long to make.
std::shared_ptr<const lib::TlsContext> server_context() {
    static const auto context = loaded(authority().issue("cache"));
    return context;
}

std::shared_ptr<const lib::TlsContext> client_context() {
    static const auto context = loaded(authority().issue("client"));
    return context;
}

struct Wire {
    Wire() : Wire(make_ends()) {}
    ~Wire() { ::close(client); }

    // Ciphertext to the session, and what came from it to the filter.
    void send() {
        auto& bytes = filter.outgoing();
        const auto sent = ::send(client, bytes.readable().data(), bytes.size(), MSG_NOSIGNAL);
        REQUIRE(sent == static_cast<ssize_t>(bytes.size()));
        bytes.consume(bytes.size());
    }
    std::string hear() {
        constexpr std::size_t room = 1 << 16;
        const auto got = ::recv(client, filter.incoming().prepare(room), room, MSG_DONTWAIT);
        if (got > 0) filter.incoming().commit(static_cast<std::size_t>(got));
        std::string all(1 << 17, '\0');
        all.resize(filter.read(all));
        return all;
    }
    SessionAction turn() { return session->take_turn(clock.now()); }
    void shake_hands() {
        filter.shake_hands();
        send();
        turn();
        hear();
        send();
        REQUIRE(filter.state() == State::open);
    }
    void say(std::string_view plaintext) {
        REQUIRE(filter.write(plaintext));
        send();
    }
    std::uint64_t count(protocol::Count name) const { return service.counters.totals.get(name); }

    protocol::test::TestService service;
    SystemClock clock;
    SessionBuffers buffers;
    Log log{LogOptions{0, "", false, true}};
    ClientTls tls{server_context(), tls_options(), 0, log};
    SessionSurroundings surroundings{service, service.counters, clock, buffers, nullptr, &tls};
    int client;
    lib::TlsStream filter{client_context(), Side::client};
    std::unique_ptr<Session> session;

  private:
    static std::array<int, 2> make_ends() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
        return ends;
    }
    explicit Wire(std::array<int, 2> ends)
        : client(ends[0]),
          session(std::make_unique<Session>(
              surroundings, NewClient{.descriptor = ends[1], .tls = ListenerTls::usual})) {}
};

}  // namespace

TEST_CASE("a session behind TLS answers as one without") {
    Wire wire;
    CHECK(wire.session->stream().is_shaking_hands());
    wire.shake_hands();
    wire.say("set k 0 0 1\r\nv\r\nget k\r\nget");
    CHECK(wire.turn() == SessionAction::wait_for_input);
    CHECK_FALSE(wire.session->stream().is_shaking_hands());
    CHECK(wire.hear() == "STORED\r\nVALUE k 0 1\r\nv\r\nEND\r\n");
    wire.say(" k\r\n");
    CHECK(wire.turn() == SessionAction::wait_for_input);
    CHECK(wire.hear() == "VALUE k 0 1\r\nv\r\nEND\r\n");
    CHECK(wire.count(protocol::Count::tls_sessions) == 1);
}

TEST_CASE("no answer is lost with a session that quits, though its client reads late") {
    Wire wire;
    wire.shake_hands();
    wire.say("set k 0 0 900000\r\n");
    std::string value(900'000, 'v');
    for (std::size_t at = 0; at < value.size(); at += 10'000) {
        wire.say(value.substr(at, 10'000));
        wire.turn();
    }
    wire.say("\r\n");
    while (wire.turn() == SessionAction::pause) {
    }
    REQUIRE(wire.hear() == "STORED\r\n");
    wire.say("get k\r\nquit\r\n");
    CHECK(wire.turn() == SessionAction::wait_for_room);
    std::size_t heard = 0;
    auto action = SessionAction::wait_for_room;
    for (int i = 0; i < 10'000 && action != SessionAction::end; ++i) {
        heard += wire.hear().size();
        action = wire.turn();
    }
    wire.session.reset();  // says goodbye
    for (int i = 0; i < 100 && wire.filter.state() == State::open; ++i)
        heard += wire.hear().size();
    CHECK(heard == std::string_view("VALUE k 0 900000\r\n\r\nEND\r\n").size() + value.size());
    CHECK(wire.filter.state() == State::ended);
}

TEST_CASE("whoever speaks no TLS is closed and counted; whoever says nothing is not counted") {
    Wire wire;
    REQUIRE(::send(wire.client, "get k\r\n", 7, MSG_NOSIGNAL) == 7);
    CHECK(wire.turn() == SessionAction::end);
    CHECK(wire.count(protocol::Count::tls_handshake_errors) == 1);
    Wire silent;
    ::shutdown(silent.client, SHUT_WR);
    CHECK(silent.turn() == SessionAction::end);
    CHECK(silent.count(protocol::Count::tls_handshake_errors) == 0);
}

TEST_CASE("a client that breaks off in the handshake is counted") {
    Wire wire;
    wire.filter.shake_hands();
    wire.send();
    ::shutdown(wire.client, SHUT_WR);
    CHECK(wire.turn() == SessionAction::wait_for_input);
    CHECK(wire.turn() == SessionAction::end);
    CHECK(wire.count(protocol::Count::tls_handshake_errors) == 1);
}

TEST_CASE("what came through TLS and was not executed is unread") {
    Wire wire;
    REQUIRE(::send(wire.client, "\x16\x03\x01\0\x20", 5, MSG_NOSIGNAL) == 5);
    CHECK(wire.session->has_unread());
    Wire open;
    open.shake_hands();
    open.turn();
    CHECK_FALSE(open.session->has_unread());
    open.say("set k 0 0 5\r\nva");
    CHECK(open.session->has_unread());
    open.turn();
    CHECK(open.session->has_unread());
    open.say("lue\r\n");
    open.turn();
    CHECK_FALSE(open.session->has_unread());
}

TEST_CASE("bytes that were damaged on the way end a session and are counted") {
    Wire wire;
    wire.shake_hands();
    CHECK(wire.turn() == SessionAction::wait_for_input);
    REQUIRE(::send(wire.client, "\x17\x03\x03\0\x20", 5, MSG_NOSIGNAL) == 5);
    REQUIRE(::send(wire.client, std::string(32, 'x').data(), 32, MSG_NOSIGNAL) == 32);
    CHECK(wire.turn() == SessionAction::end);
    CHECK(wire.count(protocol::Count::tls_protocol_errors) == 1);
}

TEST_CASE("a certificate that is used from now on is dated by when it came into use") {
    Wire wire;
    ClientTls tls(loaded(authority().issue("old")), tls_options(), 7, wire.log);
    CHECK(tls.refreshed_at() == 7);
    tls.use(loaded(authority().issue("new")), 8);
    CHECK(tls.refreshed_at() == 8);
    CHECK(tls.accept(ListenerTls::usual) != nullptr);
}

// Within OpenSSL, for which an answer is encrypted, it is an error of the stream.
TEST_CASE("behind TLS, too, an allocation that fails closes its client and counts it") {
    int closed = 0;
    bool has_struck = true;
    for (std::uint64_t number = 1; has_struck; ++number) {
        INFO("allocation " << number << " fails");
        Wire wire;
        wire.shake_hands();
        wire.say("set k 0 0 40000\r\n" + std::string(40'000, 'v') + "\r\nget k\r\n");
        auto action = SessionAction::end;
        {
            const FailingAllocations failing(number);
            action = wire.turn();
            has_struck = failing.has_failed();
        }
        const bool was_closed = action == SessionAction::end;
        if (was_closed) CHECK(has_struck);
        CHECK(wire.count(protocol::Count::malloc_fails) +
                  wire.count(protocol::Count::tls_protocol_errors) ==
              (was_closed ? 1 : 0));
        closed += was_closed ? 1 : 0;
    }
    CHECK(closed > 2);
}

}  // namespace twincached::app
