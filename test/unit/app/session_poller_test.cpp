#include "app/sessions/session_poller.hpp"

#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {
namespace {

constexpr std::uint64_t held_most = 4 << 20;

// What one thread serves, whenever a test says so.
struct PolledThread {
    PolledThread() {
        service.counters.memory.set_limit(held_most);
        poller.start();
    }
    ~PolledThread() {
        registry.for_each([this](Session& session) { poller.end(session); });
        poller.stop();
    }
    void serve() { context.poll(); }

    protocol::test::TestService service;
    SystemClock clock;
    SessionBuffers buffers;
    SessionSurroundings surroundings{service, service.counters, clock, buffers};
    ConnectionLimit limit{1000};
    SessionRegistry registry{limit};
    boost::asio::io_context context{1};
    SessionPoller poller{context, registry, surroundings};
};

class PolledClient {
  public:
    explicit PolledClient(PolledThread& thread) : thread_(thread) {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
        descriptor_ = ends[0];
        REQUIRE(thread.limit.take());
        auto* session =
            thread.registry.begin(thread.surroundings, NewClient{.descriptor = ends[1]});
        REQUIRE(session != nullptr);
        REQUIRE(thread.poller.add(*session));
    }
    ~PolledClient() { ::close(descriptor_); }
    PolledClient(const PolledClient&) = delete;
    PolledClient& operator=(const PolledClient&) = delete;

    // False: it was closed.
    bool say(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN) return false;
            if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
            thread_.serve();
        }
        return true;
    }
    std::string hear() {
        thread_.serve();
        std::array<char, 256> bytes;
        const auto size = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
        return {bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }

  private:
    PolledThread& thread_;
    int descriptor_ = -1;
};

constexpr std::string_view unfinished = "set slow 0 0 1000000\r\n";

// Those whose values do not end: they hold all that values may hold in the store, and fill the
// buffers.
struct Crowd {
    explicit Crowd(PolledThread& of) : thread(of) {
        for (int i = 0; i < 60; ++i)
            come(900'000);
    }
    void come(std::size_t bytes) {
        members.push_back(std::make_unique<PolledClient>(thread));
        (void)(members.back()->say(unfinished) && members.back()->say(std::string(bytes, 'v')));
    }
    // Each sends a little; of those who were closed, some come again.
    void drip() {
        for (auto& member : members)
            (void)member->say(std::string(9'000, 'v'));
        for (int i = 0; i < 4; ++i)
            come(300'000);
    }

    PolledThread& thread;
    std::vector<std::unique_ptr<PolledClient>> members;
};

}  // namespace

TEST_CASE(
    "a value that comes is stored, however many drip and come again, and however large it is") {
    PolledThread thread;
    Crowd crowd(thread);
    PolledClient honest(thread);
    REQUIRE(honest.say("set honest 0 0 1000000\r\n"));
    for (int i = 0; i < 10; ++i) {
        REQUIRE(honest.say(std::string(100'000, 'v')));
        crowd.drip();
    }
    CHECK(honest.say("\r\n"));
    CHECK(honest.hear() == "STORED\r\n");
    CHECK(thread.service.total(protocol::Count::read_buf_oom) > 20);
}

TEST_CASE("who holds next to nothing is in nobody's way, however long") {
    PolledThread thread;
    PolledClient slow(thread);
    REQUIRE(slow.say("get a_ke"));
    const Crowd crowd(thread);
    CHECK(thread.service.total(protocol::Count::read_buf_oom) > 20);
    CHECK(slow.say("y\r\n"));
    CHECK(slow.hear() == "END\r\n");
}

TEST_CASE("who alone holds more than all may is closed, and nobody who comes") {
    PolledThread thread;
    PolledClient other(thread);
    REQUIRE(other.say("get" + std::string(1000, ' ') + "k"));
    PolledClient greedy(thread);
    CHECK_FALSE(greedy.say("get" + std::string(held_most * 2, ' ')));
    CHECK(thread.service.total(protocol::Count::read_buf_oom) == 1);
    CHECK(other.say("\r\n"));
    CHECK(other.hear() == "END\r\n");
}

}  // namespace twincached::app
