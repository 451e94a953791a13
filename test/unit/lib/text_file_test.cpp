// What a person handed over as a file: read whole, or a sentence why not; never a wait without end.
#include "lib/input/text_file.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace twincached::lib {
namespace {

struct Folder {
    Folder() {
        std::string name = "/tmp/text-file-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

std::string pipe_in(const Folder& folder) {
    const auto path = (folder.path / "pipe").string();
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    return path;
}

}  // namespace

TEST_CASE("a pipe that nobody writes to is told from an empty file, and holds nobody up") {
    const Folder folder;
    const auto began = std::chrono::steady_clock::now();
    const auto content = read_text_file(pipe_in(folder));
    REQUIRE(content.has_error());
    CHECK(content.error() == "it is a pipe that nobody writes to");
    // As long as it waits for a writer at most, however busy the machine is.
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(8));
}

TEST_CASE("a file is read whole, an empty one and a device that is empty as such") {
    const Folder folder;
    const auto path = (folder.path / "file").string();
    for (const auto& text : {std::string(), std::string("a\0b\n", 4), std::string(9999, 'x')}) {
        std::ofstream(path) << text;
        CHECK(*read_text_file(path) == text);
    }
    CHECK(read_text_file("/dev/null")->empty());
}

TEST_CASE("what cannot be read whole is an error with its reason") {
    const Folder folder;
    CHECK(read_text_file(folder.path.string()).error() == "Is a directory");
    CHECK(read_text_file((folder.path / "none").string()).error() == "No such file or directory");
    CHECK(read_text_file("/dev/zero").error() == "it is larger than 4 MiB");
    CHECK(read_text_file("/proc/self/mem").error() == "Input/output error");
}

}  // namespace twincached::lib
