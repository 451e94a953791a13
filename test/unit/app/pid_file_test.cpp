#include "app/process/pid_file.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace twincached::app {
namespace {

struct Folder {
    Folder() { REQUIRE(::mkdtemp(name.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(name); }

    std::string name =
        (std::filesystem::temp_directory_path() / ("pid-file-" + std::string(6, 'X'))).string();
    std::string file() const { return name + "/pid"; }
};

}  // namespace

TEST_CASE("a pid file holds our process id for as long as we live") {
    const Folder folder;
    {
        const PidFile pid_file(folder.file());
        long written = 0;
        std::ifstream(folder.file()) >> written;
        CHECK(written == ::getpid());
    }
    CHECK_FALSE(std::filesystem::exists(folder.file()));
}

TEST_CASE("a pid file whose owner lives is refused, one that was left over is taken") {
    const Folder folder;
    std::ofstream(folder.file()) << "1\n";
    const PidFile first(folder.file());
    CHECK_THROWS_WITH(PidFile(folder.file()), Catch::Contains("which is running"));
    CHECK(std::filesystem::exists(folder.file()));
}

TEST_CASE("a pid file that has become another process's stays") {
    const Folder folder;
    PidFile first(folder.file());
    std::filesystem::remove(folder.file());
    const PidFile second(folder.file());
    CHECK_FALSE(first.remove());
    CHECK(std::filesystem::exists(folder.file()));
}

}  // namespace twincached::app
