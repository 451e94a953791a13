#include "app/output/line_stream.hpp"
#include "app/output/syslog_socket.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace twincached::app {
namespace {

// Both ends of a pipe, of which the stream gets one. Nothing here waits.
struct Pipe {
    Pipe() {
        REQUIRE(::pipe(ends.data()) == 0);
        REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    }
    ~Pipe() { ::close(ends[0]); }

    // All that lies in it, and no more than `most`.
    std::string read(std::size_t most = 1U << 20) const {
        std::string bytes(most, '\0');
        const auto count = ::read(ends[0], bytes.data(), bytes.size());
        bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return bytes;
    }

    std::array<int, 2> ends{};
};

void fill(LineStream& stream) {
    for (int lines = 0; stream.write(std::string(99, 'x') + '\n'); ++lines)
        REQUIRE(lines < 1'000'000);
}

// Whoever awaits lines of syslog at a path of the test's own.
struct Syslogd {
    explicit Syslogd(int socket_kind) : kind(socket_kind) { listen(); }
    ~Syslogd() {
        hang_up();
        std::filesystem::remove_all(folder);
    }

    void listen() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path.begin(), path.end(), address.sun_path);
        awaiting = ::socket(AF_UNIX, kind | SOCK_NONBLOCK, 0);
        const auto* const at = reinterpret_cast<const sockaddr*>(&address);
        REQUIRE(::bind(awaiting, at, sizeof address) == 0);
        if (kind == SOCK_STREAM) REQUIRE(::listen(awaiting, 1) == 0);
    }
    void hang_up() {
        ::close(awaiting);
        if (taken >= 0) ::close(taken);
        taken = -1;
        std::filesystem::remove(path);
    }
    std::string read() {
        if (kind == SOCK_STREAM && taken < 0) taken = ::accept4(awaiting, nullptr, nullptr, 0);
        std::array<char, 4096> bytes;
        const auto count = ::recv(kind == SOCK_STREAM ? taken : awaiting, bytes.data(),
                                  bytes.size(), MSG_DONTWAIT);
        return {bytes.data(), count < 0 ? 0 : static_cast<std::size_t>(count)};
    }

    static std::string new_folder() {
        auto name = (std::filesystem::temp_directory_path() / "syslog-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        return name;
    }

    const int kind;
    const std::string folder = new_folder();
    const std::string path = folder + "/log";
    int awaiting = -1;
    int taken = -1;
};

}  // namespace

TEST_CASE("a line that nobody takes is lost, and what comes next stands on a line of its own") {
    const bool waits_for_nobody = GENERATE(false, true);
    CAPTURE(waits_for_nobody);
    Pipe pipe;
    const auto flags = waits_for_nobody ? O_NONBLOCK : 0;
    REQUIRE(::fcntl(pipe.ends[1], F_SETFL, flags) == 0);
    LineStream stream(pipe.ends[1]);
    fill(stream);
    CHECK(errno == EAGAIN);
    CHECK_FALSE(stream.write(std::string(99, 'l') + '\n'));
    auto text = pipe.read();
    CHECK(text.find('l') == std::string::npos);
    REQUIRE(stream.write("told\n"));
    text += pipe.read();
    CHECK(text.substr(text.size() - 6) == "\ntold\n");
}

TEST_CASE("a line longer than a pipe takes at once is taken while there is room") {
    Pipe pipe;
    LineStream stream(pipe.ends[1]);
    const auto line = std::string(20'000, 'x') + '\n';
    REQUIRE(stream.write(line));
    CHECK(pipe.read() == line);
    fill(stream);
    REQUIRE(pipe.read(8192).size() == 8192);
    CHECK_FALSE(stream.write(line));  // there is room for a part
    pipe.read();
    REQUIRE(stream.write("told\n"));
    CHECK(pipe.read() == "\ntold\n");
}

TEST_CASE("a pipe without a reader loses lines, and hurts nobody") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    ::close(ends[0]);
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    LineStream stream(ends[1]);
    CHECK_FALSE(stream.write("lost\n"));
    CHECK(errno == EPIPE);
    std::signal(SIGPIPE, before);
}

TEST_CASE(
    "beside a descriptor that waits stands one that does not, and the first stays as it was") {
    Pipe pipe;
    const int beside = descriptor_beside(pipe.ends[1]);
    REQUIRE(beside >= 0);
    CHECK((::fcntl(beside, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(pipe.ends[1], F_GETFL) & O_NONBLOCK) == 0);
    LineStream stream(beside);
    REQUIRE(stream.write("told\n"));
    CHECK(pipe.read() == "told\n");
    ::close(pipe.ends[1]);
}

TEST_CASE("of a socket that nobody reads none waits either") {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    {
        LineStream stream(descriptor_beside(ends[1]));
        fill(stream);
        CHECK(errno == EAGAIN);
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("syslogd hears a line as syslog(3) writes it") {
    const int kind = GENERATE(SOCK_DGRAM, SOCK_STREAM);
    CAPTURE(kind);
    Syslogd syslogd(kind);
    SyslogSocket socket(syslogd.path);
    REQUIRE(socket.write(LOG_WARNING, "a line"));
    const auto heard = syslogd.read();
    CHECK(heard.starts_with("<28>"));  // LOG_DAEMON | LOG_WARNING
    const auto text = " twincached[" + std::to_string(::getpid()) + "]: a line";
    const auto end = kind == SOCK_STREAM ? std::string(1, '\0') : std::string();
    // "<28>", and the time as in "Nov 30 12:34:56".
    CHECK(heard.substr(4 + 15) == text + end);
}

TEST_CASE("a syslogd that does not read is not waited for, one that was started anew is found") {
    const int kind = GENERATE(SOCK_DGRAM, SOCK_STREAM);
    CAPTURE(kind);
    Syslogd syslogd(kind);
    SyslogSocket socket(syslogd.path);
    int lines = 0;
    while (socket.write(LOG_INFO, std::string(200, 'x')))
        REQUIRE(++lines < 1'000'000);
    CHECK(lines > 0);
    syslogd.hang_up();
    CHECK_FALSE(socket.write(LOG_INFO, "lost"));
    syslogd.listen();
    REQUIRE(socket.write(LOG_INFO, "told"));
    CHECK(syslogd.read().find("]: told") != std::string::npos);
}

TEST_CASE("a syslogd that was started anew hears the next line") {
    const int kind = GENERATE(SOCK_DGRAM, SOCK_STREAM);
    CAPTURE(kind);
    Syslogd syslogd(kind);
    SyslogSocket socket(syslogd.path);
    REQUIRE(socket.write(LOG_INFO, "first"));
    REQUIRE(syslogd.read().find("]: first") != std::string::npos);
    syslogd.hang_up();
    syslogd.listen();
    REQUIRE(socket.write(LOG_INFO, "second"));
    CHECK(syslogd.read().find("]: second") != std::string::npos);
}

TEST_CASE("without a syslogd a line is lost") {
    SyslogSocket socket("/nonexistent/log");
    CHECK_FALSE(socket.write(LOG_INFO, "lost"));
    CHECK(errno == ENOENT);
}

}  // namespace twincached::app
