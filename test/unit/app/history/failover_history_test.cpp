#include "app/history/failover_history.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace twincached::app {
namespace {

// A folder of its own, and a log that nobody reads.
struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("history" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    std::string file() const { return (path / "history").string(); }
    std::string log_text() const { return text_of((path / "log").string()); }
    LogOptions log_options() const {
        LogOptions options;
        options.file = (path / "log").string();
        return options;
    }
    static std::string text_of(const std::string& name) {
        std::ifstream file(name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

Failover failover(std::int64_t at_ms) {
    return {at_ms, "a", "b", "b", "the peer's process ended", 7};
}

}  // namespace

TEST_CASE("a change of the primary is read as it was written") {
    const auto written = json_of(failover(1234));
    CHECK(written.find('\n') == std::string::npos);
    const auto read = failover_of(written);
    REQUIRE(read);
    CHECK(json_of(*read) == written);
    CHECK(read->at_ms == 1234);
    CHECK(read->unconfirmed == 7);
    // A later version may say more.
    CHECK(failover_of(written.substr(0, written.size() - 1) + R"(,"more":1})"));
}

TEST_CASE("what is no change of the primary is told from one") {
    for (const auto* line :
         {"", "{}", "[]", "null", "{\"at_ms\":1}", "x",
          R"({"at_ms":-1,"from":"a","to":"b","here":"a","why":"","unconfirmed":0})",
          R"({"at_ms":1,"from":1,"to":"b","here":"a","why":"","unconfirmed":0})"})
        CHECK_FALSE(failover_of(line));
}

TEST_CASE("a history without a file lasts as long as the process, and writes nothing") {
    const Folder folder;
    Log log(folder.log_options());
    FailoverHistory history("", log);
    history.note(failover(1));
    CHECK(history.all().size() == 1);
    CHECK_FALSE(std::filesystem::exists(folder.file()));
}

TEST_CASE("a history with a file survives the process, and keeps the last hundred") {
    const Folder folder;
    Log log(folder.log_options());
    {
        FailoverHistory history(folder.file(), log);
        CHECK(history.all().empty());
        for (int i = 0; i < 130; ++i)
            history.note(failover(i));
    }
    FailoverHistory history(folder.file(), log);
    const auto all = history.all();
    REQUIRE(all.size() == FailoverHistory::most);
    CHECK(all.front().at_ms == 30);
    CHECK(all.back().at_ms == 129);
    CHECK(folder.log_text().empty());
    CHECK(history_json({all[0], all[1]}) ==
          "[" + json_of(all[0]) + ",\n " + json_of(all[1]) + "]\n");
    CHECK(history_json({}) == "[]\n");
}

TEST_CASE("what is damaged in the file is left out and told, and the rest is kept") {
    const Folder folder;
    Log log(folder.log_options());
    std::ofstream(folder.file()) << json_of(failover(1)) << "\n{\"at_ms\":2\n"
                                 << std::string(100'000, 'x') << "\n"
                                 << json_of(failover(3)) << "\n";
    FailoverHistory history(folder.file(), log);
    REQUIRE(history.all().size() == 2);
    CHECK(history.all()[1].at_ms == 3);
    CHECK(folder.log_text().find("2 lines are no changes of the primary") != std::string::npos);
}

TEST_CASE("a file that cannot be written costs a line in the log, and nothing else") {
    const Folder folder;
    Log log(folder.log_options());
    FailoverHistory history(folder.file() + "/none/history", log);
    history.note(failover(1));
    CHECK(history.all().size() == 1);
    CHECK(folder.log_text().find("the history cannot be written to") != std::string::npos);
}

TEST_CASE("the last lines of the log are kept with their numbers, from info on") {
    const Folder folder;
    Log log(folder.log_options());
    log.set_verbosity(1);
    log.debug("not kept");
    for (std::size_t i = 0; i < RecentLines::most + 10; ++i)
        log.info("line {}", i);
    const auto all = log.recent().after(0);
    REQUIRE(all.size() == RecentLines::most);
    CHECK(all.front().text == "line 10");
    CHECK(all.back().number == RecentLines::most + 10);
    CHECK(all.back().level == "info");
    CHECK(log.recent().after(all.back().number).empty());
    log.warning("{}", std::string(5000, 'x'));
    const auto fresh = log.recent().after(all.back().number);
    REQUIRE(fresh.size() == 1);
    CHECK(fresh[0].text.size() == RecentLines::longest);
    CHECK(fresh[0].level == "warning");
}

}  // namespace twincached::app
