#include "app/listeners/listening_socket.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace twincached::app {
namespace {

namespace fs = std::filesystem;

struct Folder {
    Folder() { REQUIRE(::mkdtemp(name.data()) != nullptr); }
    ~Folder() { fs::remove_all(name); }

    // As somebody does who takes the whole folder for rubbish.
    void clean() const {
        for (const auto& entry : fs::directory_iterator(name))
            fs::remove(entry);
    }

    std::string name = (fs::temp_directory_path() / ("listening-" + std::string(6, 'X'))).string();
    std::string path() const { return name + "/socket"; }
};

ListeningSocket open_at(const std::string& path) {
    auto socket = bind_unix({"unix-socket (-s)", path});
    socket.open(16);
    return socket;
}

bool answers(const std::string& path) {
    const auto address = unix_address("", path);
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_taken =
        ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(client);
    return is_taken;
}

}  // namespace

TEST_CASE("a unix socket leaves nothing behind") {
    const Folder folder;
    {
        auto socket = open_at(folder.path());
        CHECK(answers(folder.path()));
        socket.shut();
        CHECK_FALSE(answers(folder.path()));
        socket.open(16);
        CHECK(answers(folder.path()));
    }
    CHECK(fs::is_empty(folder.name));
}

TEST_CASE("who has lost the path of its unix socket leaves it to the next, who has it") {
    const Folder folder;
    std::optional<ListeningSocket> first(open_at(folder.path()));
    folder.clean();
    const auto second = open_at(folder.path());
    SECTION("when it stops") {
        first.reset();
    }
    SECTION("when it is not to be found for a while") {
        first->shut();
        CHECK_THROWS(first->open(16));
        first.reset();
    }
    CHECK(answers(folder.path()));
    CHECK(fs::exists(folder.path() + ".lock"));
}

TEST_CASE("a socket of another program at the path of ours stays") {
    const Folder folder;
    std::optional<ListeningSocket> ours(open_at(folder.path()));
    fs::remove(folder.path());
    const auto address = unix_address("", folder.path());
    const int other = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(other, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ours.reset();
    CHECK(fs::exists(folder.path()));
    CHECK_FALSE(fs::exists(folder.path() + ".lock"));
    ::close(other);
}

}  // namespace twincached::app
