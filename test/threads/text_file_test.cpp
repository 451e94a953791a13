#include "lib/input/text_file.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace twincached::lib {

TEST_CASE("a pipe is read to its end, in whatever pieces it comes") {
    std::string folder = "/tmp/text-file-XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const auto path = folder + "/pipe";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    std::string written;
    std::thread writer([&] {
        std::ofstream pipe(path);
        for (int piece = 0; piece < 100; ++piece) {
            const std::string text(1000, static_cast<char>('a' + piece % 26));
            written += text;
            pipe << text << std::flush;
        }
    });
    const auto content = read_text_file(path);
    writer.join();
    std::filesystem::remove_all(folder);
    REQUIRE(content.has_value());
    CHECK(*content == written);
}

}  // namespace twincached::lib
