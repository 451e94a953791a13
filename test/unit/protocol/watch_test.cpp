#include "protocol/observation/watch_events.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::protocol::test {

namespace {

std::int64_t some_clock() noexcept {
    return 1'795'358'675'002'507;
}

struct CountingWaker final : Waker {
    void wake() noexcept override { ++times; }
    unsigned times = 0;
};

// A server, one who works, and one who watches.
struct Stage {
    Stage() { service.shared().observation.watch_log.set_clock(some_clock); }

    std::string watch(std::string_view topics) {
        return watcher.say("watch " + std::string(topics) + "\r\n");
    }
    // What the worker does, as the watcher sees it, without time and number.
    std::string seen(std::string_view requests) {
        worker.say(requests);
        std::string all;
        const auto lines = watcher.hear();
        for (std::size_t at = 0; at < lines.size();) {
            const auto end = lines.find('\n', at);
            const auto type = lines.find("type=", at);
            all += lines.substr(type, end + 1 - type);
            at = end + 1;
        }
        return all;
    }

    TestService service;
    CountingWaker waker;
    Client worker{service, some_time(), ClientOrigin{nullptr, 29}};
    Client watcher{service, some_time(), ClientOrigin{&waker, 28}};
};

}  // namespace

TEST_CASE("a watcher reads memcached's lines for what is fetched, stored and deleted") {
    Stage stage;
    REQUIRE(stage.watch("fetchers mutations deletions") == "OK\r\n");
    CHECK(stage.seen("set foo 0 0 3\r\nbar\r\n") ==
          "type=item_get key=foo status=not_found clsid=0 cfd=29 size=0\n"
          "type=item_store key=foo status=stored cmd=set ttl=0 clsid=1 cfd=29 size=3\n");
    CHECK(stage.seen("get no foo\r\n") ==
          "type=item_get key=no status=not_found clsid=0 cfd=29 size=0\n"
          "type=item_get key=foo status=found clsid=1 cfd=29 size=3\n");
    const std::string found = "type=item_get key=foo status=found clsid=1 cfd=29 size=3\n";
    CHECK(stage.seen("gat 100 foo\r\n") == found);
    CHECK(stage.seen("touch foo 100\r\n") == found);
    CHECK(stage.seen("mg foo v\r\n") == found);
    CHECK(stage.seen("incr foo 1\r\n") == found);
    CHECK(stage.seen("append foo 0 0 1\r\nx\r\n") ==
          found +
              "type=item_store key=foo status=stored cmd=append ttl=100 clsid=1 cfd=29 size=4\n");
    const std::string longer = "type=item_get key=foo status=found clsid=1 cfd=29 size=4\n";
    CHECK(stage.seen("cas foo 0 0 1 1\r\nx\r\n") ==
          longer + "type=item_store key=foo status=exists cmd=cas ttl=0 clsid=1 cfd=29 size=1\n");
    CHECK(stage.seen("add foo 0 0 1\r\nx\r\n") ==
          longer +
              "type=item_store key=foo status=not_stored cmd=add ttl=0 clsid=1 cfd=29 size=1\n");
    CHECK(stage.seen("ms foo 1 T5\r\na\r\n") ==
          longer + "type=item_store key=foo status=stored cmd=set ttl=5 clsid=1 cfd=29 size=1\n");
    CHECK(stage.seen("md foo\r\n") ==
          "type=item_get key=foo status=found clsid=1 cfd=29 size=1\n"
          "type=deleted key=foo cmd=md clsid=1 size=1\n");
    CHECK(stage.seen("delete foo\r\n") ==
          "type=item_get key=foo status=not_found clsid=0 cfd=29 size=0\n");
    CHECK(stage.seen("ma n N0 J7\r\n") ==
          "type=item_get key=n status=not_found clsid=0 cfd=29 size=0\n"
          "type=item_store key=n status=stored cmd=add ttl=0 clsid=1 cfd=29 size=1\n");
    CHECK(stage.seen("set big 0 0 2000000\r\n") ==
          "type=item_store key=big status=too_large cmd=set ttl=0 clsid=0 cfd=29 size=0\n"
          "type=item_get key=big status=not_found clsid=0 cfd=29 size=0\n");
}

TEST_CASE("an item that is only made stale or empty is not deleted to a watcher") {
    Stage stage;
    REQUIRE(stage.watch("deletions") == "OK\r\n");
    stage.worker.say("set foo 0 0 3\r\nbar\r\n");
    CHECK(stage.seen("md foo I\r\n") == "");
    CHECK(stage.seen("md foo x\r\n") == "");
    CHECK(stage.seen("md foo I x\r\n") == "");
    CHECK(stage.seen("md foo\r\n") == "type=deleted key=foo cmd=md clsid=1 size=0\n");
}

TEST_CASE("a watcher learns why a key was missed") {
    Stage stage;
    stage.worker.say(
        "set old 0 5 1\r\nv\r\nset gone 0 0 1\r\nv\r\nflush_all\r\nset old 0 5 1\r\nv\r\n");
    stage.worker.now.steady_ms += 10'000;
    REQUIRE(stage.watch("") == "OK\r\n");
    CHECK(stage.seen("get old\r\nget gone\r\n") ==
          "type=item_get key=old status=expired clsid=0 cfd=29 size=0\n"
          "type=item_get key=gone status=flushed clsid=0 cfd=29 size=0\n");
}

TEST_CASE("keys in watchers' lines are URI-encoded, and time and number stand in front") {
    Stage stage;
    REQUIRE(stage.watch("fetchers") == "OK\r\n");
    stage.worker.say("get 'q,u%o\r\nget \xff\t~\r\n");
    CHECK(stage.watcher.hear() ==
          "ts=1795358675.002507 gid=1 type=item_get key=%27q%2Cu%25o status=not_found clsid=0 "
          "cfd=29 size=0\n"
          "ts=1795358675.002507 gid=2 type=item_get key=%FF%09~ status=not_found clsid=0 "
          "cfd=29 size=0\n");
}

TEST_CASE("a watcher is told of its topics only") {
    Stage stage;
    REQUIRE(stage.watch("deletions connevents") == "OK\r\n");
    CHECK(stage.seen("set k 0 0 1\r\nv\r\nget k\r\n").empty());
    CHECK(stage.seen("delete k\r\n") == "type=deleted key=k cmd=delete clsid=1 size=1\n");
    tell_connected(stage.service.shared().observation.watch_log, {"::1", 4711, "tcp", 5});
    tell_disconnected(stage.service.shared().observation.watch_log, {"-", 0, "local", 5},
                      "idle_timeout");
    CHECK(stage.seen("") ==
          "type=conn_new rip=::1 rport=4711 transport=tcp cfd=5\n"
          "type=conn_close rip=- rport=0 transport=local reason=idle_timeout "
          "cfd=5\n");
}

TEST_CASE("a watcher reads what had to go when memory was needed") {
    auto options = TestService::small_store();
    options.memory_limit_bytes = 4 << 20;
    TestService service(options);
    EvictionTeller teller(service.shared().observation.watch_log);
    service.store().set_eviction_listener(&teller);
    CountingWaker waker;
    Client watcher(service, some_time(), ClientOrigin{&waker, 1});
    REQUIRE(watcher.say("watch evictions\r\n") == "OK\r\n");
    Client worker(service);
    const std::string value(3000, 'v');
    for (int i = 0; i < 3000; ++i)
        worker.say("set k" + std::to_string(i) + " 0 90 3000\r\n" + value + "\r\n");
    const auto lines = watcher.hear();
    const auto evicted = service.store().stats().total.evicted;
    const auto counts = service.shared().observation.watch_log.counts();
    CHECK(evicted > 0);
    CHECK(counts.written == evicted);
    CHECK(lines.find("type=eviction key=k0 fetch=no ttl=90 la=0 clsid=17 size=3000\n") !=
          std::string::npos);
}

TEST_CASE("words that nothing here reports are accepted, unknown ones are not") {
    for (const std::string topics : {"", "fetchers", "mutations evictions", "rawcmds sysevents",
                                     "proxyreqs proxyevents proxyuser", "fetchers fetchers"}) {
        Stage stage;
        CHECK(stage.watch(topics) == "OK\r\n");
    }
    for (const std::string topics : {"all", "fetchers bogus", "FETCHERS"}) {
        Stage stage;
        CHECK(stage.watch(topics) == "ERROR\r\n");
        CHECK(stage.watcher.say("mn\r\n") == "MN\r\n");
    }
}

TEST_CASE("watching can be refused, and is refused behind other commands and to too many") {
    Stage stage;
    stage.service.settings_to_change().watch_enabled = false;
    CHECK(stage.watch("") == "CLIENT_ERROR watch commands not allowed\r\n");
    stage.service.settings_to_change().watch_enabled = true;
    CHECK(stage.watcher.say("mn\r\nwatch\r\n") ==
          "MN\r\nERROR cannot pipeline other commands before watch\r\n");
    std::vector<std::unique_ptr<Watcher>> others;
    for (std::size_t i = 0; i < WatchLog::watcher_limit; ++i)
        others.push_back(stage.service.shared().observation.watch_log.watch({}, stage.waker));
    CHECK(stage.watch("") == "WATCHER_TOO_MANY log watcher limit reached\r\n");
    others.pop_back();
    CHECK(stage.watch("") == "OK\r\n");
}

TEST_CASE("what a watcher says is ignored, and it may be closed at any time") {
    Stage stage;
    REQUIRE(stage.watch("") == "OK\r\n");
    CHECK(stage.watcher.say("version\r\nquit\r\nset k 0 0 1").empty());
    CHECK(stage.watcher.conversation().at_boundary());
    CHECK_FALSE(stage.watcher.closed);
}

TEST_CASE("a watcher that does not read loses lines and is told how many") {
    Stage stage;
    stage.service.shared().observation.watch_log.set_buffer_bytes(8 * 1024);
    REQUIRE(stage.watch("") == "OK\r\n");
    for (int i = 0; i < 1000; ++i)
        stage.worker.say("get key\r\n");
    const auto counts = stage.service.shared().observation.watch_log.counts();
    CHECK(counts.written == 1000);
    CHECK(counts.skipped > 0);
    CHECK(counts.sent + counts.skipped == 1000);
    const auto lines = stage.watcher.hear();
    CHECK(lines.size() <= 8 * 1024 + 32);
    CHECK(lines.ends_with("\nskipped=" + std::to_string(counts.skipped) + "\n"));
    stage.worker.say("get key\r\n");
    CHECK(stage.watcher.hear().find("skipped") == std::string::npos);
}

TEST_CASE("a watcher is woken once until it has taken its lines") {
    Stage stage;
    REQUIRE(stage.watch("") == "OK\r\n");
    stage.worker.say("get a\r\nget b\r\n");
    CHECK(stage.waker.times == 1);
    stage.watcher.hear();
    stage.worker.say("get a\r\n");
    CHECK(stage.waker.times == 2);
}

TEST_CASE("nobody is told anything after the last watcher has gone") {
    TestService service;
    CountingWaker waker;
    Client worker(service);
    {
        Client watcher(service, some_time(), ClientOrigin{&waker, 1});
        REQUIRE(watcher.say("watch\r\n") == "OK\r\n");
        CHECK(service.shared().observation.watch_log.wants(WatchTopic::fetchers));
        CHECK(service.shared().observation.watch_log.counts().watchers == 1);
    }
    CHECK_FALSE(service.shared().observation.watch_log.wants(WatchTopic::fetchers));
    worker.say("get a\r\n");
    CHECK(waker.times == 0);
    CHECK(service.shared().observation.watch_log.counts().written == 0);
}

}  // namespace twincached::protocol::test
