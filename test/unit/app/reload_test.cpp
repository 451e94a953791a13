#include "app/reload.hpp"
#include "app/listeners/listener_options.hpp"
#include "app/process/log.hpp"
#include "app/process/tls_options.hpp"
#include "app/server_options.hpp"
#include "app/sessions/session_options.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace twincached::app {

namespace {

Options with(std::string_view file) {
    OptionReader reader(server_option_table());
    reader.read_content(file, "test");
    reader.finish();
    REQUIRE(reader.problems().empty());
    return reader.options();
}

using Lines = std::vector<std::string>;

std::int32_t verbosity(const Options& options) {
    return options.get<LogOptions>().verbosity;
}
std::uint32_t per_address(const Options& options) {
    return options.get<ListenerOptions>().connections_per_address;
}

// A reload whose log can be read, and what it reads the next time.
struct Reloaded {
    explicit Reloaded(const Options& running)
        : fresh{running, {}, {}},
          reload(
              running, [this] { return fresh; }, log) {}
    ~Reloaded() { ::unlink(path.c_str()); }

    static std::string new_file() {
        std::string path = "/tmp/reload-XXXXXX";
        const int file = ::mkstemp(path.data());
        REQUIRE(file >= 0);
        ::close(file);
        return path;
    }
    // Without the time and the thread.
    bool has_said(const std::string& line) const {
        std::ifstream file(path);
        std::ostringstream content;
        content << file.rdbuf();
        return content.str().find(line) != std::string::npos;
    }

    const std::string path = new_file();
    Log log{LogOptions{0, path, false, true}};
    FreshOptions fresh;
    Reload reload;
};

}  // namespace

TEST_CASE("a reload takes what may change and says what waits for the next start") {
    Reloaded server(with("[process]\nthreads = 4\n[limits]\nconnections-per-address = 1\n"));
    std::vector<Options> applied;
    const auto apply = [&](const Options&, const Options& after) -> lib::Parsed<void> {
        applied.push_back(after);
        return {};
    };
    server.reload.join("log", apply);
    server.reload.join("connection limits", apply);
    server.reload.join("secrets", apply);
    server.fresh.options = with(
        "[process]\nthreads = 8\n[limits]\nconnections-per-address = 2\n[log]\nverbosity = 2\n"
        "[replication]\nsecret = hush\n");
    server.reload.run();
    CHECK(server.has_said(
        "options changed: verbosity 0 -> 2, connections-per-address 1 -> 2, secret\n"));
    CHECK(server.has_said("options that take a restart to change: threads 4 -> 8\n"));
    REQUIRE(applied.size() == 3);
    CHECK(verbosity(applied[0]) == 2);
    CHECK(per_address(applied[0]) == 1);  // another's part
    CHECK(per_address(applied[1]) == 2);
    CHECK(applied[1].get<SessionOptions>().threads == 4);
}

TEST_CASE("what a file says in vain, since the command line is stronger, is said at each reload") {
    Reloaded server(with(""));
    server.fresh.overruled = {"x.conf:2: port has no effect, the command line (-p) is stronger"};
    server.reload.run();
    CHECK(server.has_said("x.conf:2: port has no effect, the command line (-p) is stronger\n"));
}

TEST_CASE("a secret that changes is not shown, nor what it was") {
    const auto changes = changes_between(with("[replication]\nsecret = old\n"),
                                         with("[replication]\nsecret = new\n"));
    REQUIRE(changes.size() == 1);
    CHECK(changes.front().text == "secret");
}

TEST_CASE("whether clients must log in does not change while clients are served") {
    const auto changes = changes_between(with(""), with("[access]\nauth-file = /new\n"));
    REQUIRE(changes.size() == 2);  // it decides the protocol, too
    for (const auto& change : changes)
        CHECK(change.row->reloaded_by.empty());
}

TEST_CASE("who joined a reload is called at each, with what was and what is") {
    Reloaded server(with(""));
    Lines seen;
    server.reload.join("log", [&](const Options& before, const Options& after) {
        seen.push_back(std::to_string(verbosity(before)) + std::to_string(verbosity(after)));
        return lib::Parsed<void>();
    });
    server.fresh = {with("[log]\nverbosity = 1\n"), {}, {}};
    server.reload.run();
    server.reload.run();
    server.fresh = {with("[log]\nverbosity = 3\n"), {{"broken"}}, {}};
    server.reload.run();
    CHECK(server.has_said("the options stay as they are\n"));
    server.fresh.problems.clear();
    server.reload.run();
    CHECK(seen == Lines{"01", "11", "11", "13"});
}

TEST_CASE("who cannot do what is asked keeps what he has, and the others go on") {
    Reloaded server(with(""));
    bool is_able = false;
    Lines seen;
    server.reload.join("certificates", [&](const Options&, const Options&) {
        return is_able ? lib::Parsed<void>() : lib::Parsed<void>("no certificate");
    });
    server.reload.join("log", [&](const Options&, const Options& after) {
        seen.push_back(std::to_string(verbosity(after)));
        return lib::Parsed<void>();
    });
    server.fresh.options = with("[tls]\nchain-cert = /new\n[log]\nverbosity = 1\n");
    server.reload.run();
    CHECK(seen == Lines{"1"});
    CHECK(server.has_said("options not taken: chain-cert nothing -> /new\n"));
    CHECK(server.has_said("options changed: verbosity 0 -> 1\n"));
    CHECK_FALSE(server.has_said("options changed: chain-cert"));
    is_able = true;  // it is still new
    server.reload.run();
    CHECK(server.has_said("options changed: chain-cert nothing -> /new\n"));
}

TEST_CASE("what stays until a restart keeps what it cannot be without") {
    const std::string admin = "[admin]\nlisten = tls:127.0.0.1:11281\n";
    const std::string tls = "[tls]\nenabled = yes\n";
    Reloaded server(with(tls + "chain-cert = /c\nkey = /k\n" + admin +
                         "certificate = /c\nkey = /k\ntoken-file = /t\n"));
    Lines seen;
    server.reload.join("certificates", [&](const Options&, const Options& after) {
        seen.push_back(after.get<TlsOptions>().chain_cert);
        return lib::Parsed<void>();
    });
    server.reload.join("log", [&](const Options&, const Options& after) {
        seen.push_back(std::to_string(verbosity(after)));
        return lib::Parsed<void>();
    });
    // Valid in itself: a file that was emptied, or whose sections were taken out.
    server.fresh.options = with("[log]\nverbosity = 1\n");
    server.reload.run();
    CHECK(seen == Lines{"/c", "1"});
    CHECK(server.has_said("TLS (-Z) needs a certificate"));
    CHECK(server.has_said("options not taken: chain-cert /c -> nothing, key /k -> nothing"));
    CHECK(server.has_said("options changed: verbosity 0 -> 1\n"));
    server.fresh.options = with("[tls]\nenabled = yes\nchain-cert = /new\nkey = /new\n" + admin +
                                "certificate = /new\nkey = /new\n");
    server.reload.run();
    CHECK(seen == Lines{"/c", "1", "/new", "0"});
}

TEST_CASE("a row that names who reloads it is missed until he has joined") {
    Reloaded server(with(""));
    const auto nothing = [](const Options&, const Options&) { return lib::Parsed<void>(); };
    for (const auto* name : {"log", "certificates", "replication", "secrets", "tokens"})
        server.reload.join(name, nothing);
    const auto missing = server.reload.missing_parts();
    REQUIRE(missing.size() == 1);
    CHECK(missing.front() == "connection limits");
    server.reload.join("connection limits", nothing);
    CHECK(server.reload.missing_parts().empty());
}

}  // namespace twincached::app
