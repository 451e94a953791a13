#include "replication/pair/legacy/legacy_link.hpp"
#include "replication/changes/change_sink.hpp"
#include "storage/store.hpp"

#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

constexpr unsigned own_node = 1;
constexpr unsigned peer_node = 0;
constexpr std::size_t largest_value_here = std::size_t{2} << 20;

// A node of ours, and an old one of which there are only the bytes.
struct Node {
    explicit Node(std::size_t log_bytes = std::size_t{1} << 20)
        : sink(2, log_bytes),
          store(options(), lib::KeyedHash(), sink),
          link(sink, largest_value_here) {
        link.attach(store);
    }
    static storage::StoreOptions options() {
        auto options = storage::default_store_options();
        options.node = own_node;
        options.shards = 2;
        options.memory_limit_bytes = 16U << 20;
        options.item_size_limit_bytes = 2U << 20;
        return options;
    }

    void pass(std::uint64_t ms) {
        now.steady_ms += ms;
        now.version_ms += ms;
        now.unix_seconds += static_cast<std::int64_t>(ms / 1000);
        link.on_timer(now);
    }
    void call() { link.begin(peer_node, false, now); }
    void is_called() { link.begin(peer_node, true, now); }
    void is_called_again() {
        link.end();
        is_called();
    }
    // A session with an old node that holds nothing, and has said so.
    void meet() {
        call();
        hear("marugoto_end\r\n");
        (void)said();
    }
    std::string hear(std::string_view bytes, bool applies = true) {
        ++now.version_ms;
        return std::string(link.on_bytes(kept, bytes, applies, now));
    }
    std::string said(std::size_t room = std::size_t{8} << 20) {
        lib::ByteBuffer out;
        link.produce(out, room, now);
        return std::string(out.readable());
    }
    // As a client.
    std::uint64_t set(std::string_view key, std::string_view value) {
        storage::Write write;
        write.value = value;
        ++now.version_ms;
        return store.write(store.key(key), now, write).cas;
    }
    void remove(std::string_view key) {
        ++now.version_ms;
        (void)store.remove(store.key(key), now, {});
    }
    // Of a client's read: "-" is a miss.
    std::string get(std::string_view key) {
        std::string text = "-";
        (void)store.read(store.key(key), now, {}, [&](const auto& item, const auto&) {
            text = std::string(item.value);
            flags = item.client_flags;
            cas = item.cas;
            left = item.expiry.seconds_left(now.tick());
        });
        return text;
    }

    ChangeSink sink;
    storage::Store store;
    LegacyLink link;
    storage::Now now{.steady_ms = 10'000, .version_ms = 1'000'000, .unix_seconds = 1'795'000'000};
    lib::ByteBuffer kept;
    // Of the item that was read last.
    std::uint32_t flags = 0;
    std::uint64_t cas = 0;
    std::optional<std::uint32_t> left;
};

std::string rep(std::string_view key, std::string_view value, std::uint64_t cas) {
    return "rep " + std::string(key) + " 0 0 " + std::to_string(value.size()) + " " +
           std::to_string(cas % (std::uint64_t{1} << 32)) + "\r\n" + std::string(value) + "\r\n";
}

}  // namespace

TEST_CASE("a node that called a repcached is in step at the end of that one's dump") {
    Node node;
    node.call();
    CHECK_FALSE(node.link.is_caught_up());
    CHECK(node.hear("rep k 4294967295 1795000100 5 77\r\nvalue\r\nmarug").empty());
    CHECK_FALSE(node.link.is_caught_up());
    CHECK(node.hear("oto_end\r\n").empty());
    CHECK(node.link.is_caught_up());
    CHECK(node.get("k") == "value");
    CHECK(node.flags == 4294967295);
    CHECK(node.cas == 77);
    CHECK(node.left == 100U);
    CHECK(node.said().empty());
}

TEST_CASE("a repcached that calls hears nothing but a dump of all that is held, and what follows") {
    Node node;
    const auto one = node.set("one", "1");
    node.set("gone", "x");
    node.remove("gone");
    node.is_called();
    CHECK_FALSE(node.link.is_caught_up());
    CHECK(node.said() == rep("one", "1", one) + "marugoto_end\r\n");
    CHECK(node.link.is_caught_up());
    CHECK(node.said().empty());
    const auto two = node.set("two", "2");
    CHECK(node.said() == rep("two", "2", two));
    node.remove("one");
    CHECK(node.said() == "delete one\r\n");
}

TEST_CASE("a dump to a repcached goes on in pieces, with what clients change in between") {
    Node node;
    const std::string large(100'000, 'l');
    for (int i = 0; i < 100; ++i)
        node.set("key" + std::to_string(i), i % 10 == 0 ? large : "small");
    node.is_called();
    std::string all;
    for (int turn = 0; turn < 1000 && !node.link.is_caught_up(); ++turn) {
        const auto piece = node.said(4096);
        CHECK(piece.size() < 4096 + large.size() + 16 * 1024 * 64);
        all += piece;
        if (turn == 3) node.set("meanwhile", "m");
    }
    REQUIRE(node.link.is_caught_up());
    all += node.said();
    for (int i = 0; i < 100; ++i)
        CHECK(all.find("rep key" + std::to_string(i) + " ") != std::string::npos);
    CHECK(all.find("rep meanwhile ") != std::string::npos);
    CHECK(all.find("marugoto_end\r\n") != std::string::npos);
}

TEST_CASE("what a repcached says afterwards is taken over as it comes") {
    Node node;
    node.meet();
    node.hear("rep k 0 0 1 1\r\na\r\n");
    CHECK(node.get("k") == "a");
    node.hear("rep k 3 0 1 2\r\nb\r\nrep other 0 0 1 3\r\nc\r\n");
    CHECK(node.get("k") == "b");
    CHECK(node.flags == 3);
    node.hear("delete k\r\n");
    CHECK(node.get("k") == "-");
    node.hear("rep past 0 1794999999 1 4\r\nx\r\n");
    CHECK(node.get("past") == "-");
    node.hear("rep other 0 1794999999 1 5\r\nx\r\n");
    CHECK(node.get("other") == "-");
    node.hear("rep k 0 0 1 6\r\nd\r\ndelete k 1795000009\r\n");
    CHECK(node.get("k") == "-");
}

TEST_CASE("what came over the link of a repcached never goes back") {
    Node node;
    node.meet();
    node.hear("rep k 0 0 1 1\r\na\r\nrep l 0 0 1 2\r\nb\r\ndelete k\r\ndelete absent\r\n");
    CHECK(node.said().empty());
    node.hear("flush_all \r\n");
    CHECK(node.said().empty());
    CHECK(node.get("l") == "-");
}

TEST_CASE("a flush of a repcached's clients spares what comes after it") {
    Node node;
    node.meet();
    node.hear("rep k 0 0 1 1\r\na\r\n");
    node.set("own", "o");
    node.hear("flush_all \r\nrep k 0 0 1 2\r\nb\r\n");
    CHECK(node.get("own") == "-");
    CHECK(node.get("k") == "b");
    node.set("after", "x");
    CHECK(node.get("after") == "x");
}

TEST_CASE("a flush for later that a repcached tells of is carried out here at its time, untold") {
    Node node;
    node.meet();
    node.hear("rep k 0 0 1 1\r\na\r\nflush_all 1795000010\r\n");
    node.pass(8'000);
    CHECK(node.get("k") == "a");
    node.link.end();
    REQUIRE(node.link.deadline());
    node.pass(2'500);
    CHECK(node.get("k") == "-");
    node.meet();
    CHECK(node.said().empty());
}

TEST_CASE("a flush of this node's clients is told, and what was written since is told after it") {
    Node node;
    node.meet();
    node.set("before", "b");
    CHECK(node.store.flush(node.now).position != 0);
    const auto cas = node.set("after", "a");
    const auto said = node.said();
    CHECK(said.starts_with("flush_all \r\n"));
    CHECK(said.find("before") == std::string::npos);
    CHECK(said.find(rep("after", "a", cas)) != std::string::npos);
}

TEST_CASE("a flush for later of this node's clients is told in the time of the wall clock") {
    Node node;
    node.meet();
    node.store.schedule_flush(node.now.steady_ms + 10'000, node.now);
    CHECK(node.said() == "flush_all 1795000010\r\n");
}

TEST_CASE("an item that does not fit into a repcached, or is stale, is deleted there") {
    Node node;
    node.meet();
    const std::string most((std::size_t{1} << 20) - 81 - 3, 'v');
    const auto cas = node.set("key", most);
    CHECK(node.said() == rep("key", most, cas));
    node.set("key", most + "v");
    CHECK(node.said() == "delete key\r\n");
    node.set("stale", "s");
    (void)node.said();
    storage::Remove invalidate;
    invalidate.invalidate = true;
    (void)node.store.remove(node.store.key("stale"), node.now, invalidate);
    CHECK(node.said() == "delete stale\r\n");
    CHECK(node.link.stats().sent_as_removals == 2);
}

TEST_CASE("a key that a repcached would read as more than a key is not told, nor its delete") {
    Node node;
    node.meet();
    node.set("a\r\nflush_all \r\n", "v");
    CHECK(node.said().empty());
    node.remove("a\r\nflush_all \r\n");
    CHECK(node.said().empty());
    CHECK(node.link.stats().unsendable == 2);
    node.set("two words", "v");
    node.is_called_again();
    CHECK(node.said() == "marugoto_end\r\n");
}

TEST_CASE("a value above the limit of this node takes the older one of its key with it") {
    Node node;
    node.meet();
    node.hear("rep k 0 0 1 1\r\na\r\n");
    const std::string value(largest_value_here + 1, 'v');
    node.hear("rep k 0 0 " + std::to_string(value.size()) + " 2\r\n" + value + "\r\n");
    CHECK(node.get("k") == "-");
    CHECK(node.said().empty());
}

TEST_CASE("while nothing is applied what a repcached says changes nothing, but it is told") {
    Node node;
    node.meet();
    node.set("k", "own");
    (void)node.said();
    node.hear("delete k\r\nrep l 0 0 1 1\r\nx\r\nflush_all \r\n", false);
    CHECK(node.get("k") == "own");
    CHECK(node.get("l") == "-");
    const auto cas = node.set("m", "1");
    CHECK(node.said() == rep("m", "1", cas));
    CHECK(node.link.stats().passed_over == 3);
}

TEST_CASE("a second dump of a repcached mends what it had not told, or in the wrong order") {
    Node node;
    node.call();
    node.hear(
        "rep kept 0 0 1 1\r\na\r\nrep lost 0 0 1 2\r\nb\r\nrep old 0 0 1 3\r\nc\r\n"
        "marugoto_end\r\n");
    node.hear("delete kept\r\n");
    node.link.end();
    node.pass(100);
    node.call();
    node.hear("rep kept 0 0 1 4\r\nd\r\nrep old 0 0 1 5\r\ne\r\n");
    CHECK(node.get("lost") == "b");
    node.hear("marugoto_end\r\n");
    CHECK(node.get("kept") == "d");
    CHECK(node.get("old") == "e");
    CHECK(node.get("lost") == "-");
    CHECK(node.link.stats().dropped == 1);
    CHECK(node.said().empty());
}

TEST_CASE("a dump after a lost link leaves alone what was written or deleted here since") {
    Node node;
    node.call();
    node.hear("rep k 0 0 1 1\r\na\r\nrep gone 0 0 1 2\r\nb\r\nmarugoto_end\r\n");
    CHECK(node.said().empty());
    node.link.end();
    const auto k = node.set("k", "own");
    const auto n = node.set("new", "own");
    node.remove("gone");
    node.call();
    node.hear(
        "rep k 0 0 1 1\r\na\r\nrep gone 0 0 1 2\r\nb\r\nrep more 0 0 1 3\r\nc\r\n"
        "marugoto_end\r\n");
    CHECK(node.get("k") == "own");
    CHECK(node.get("new") == "own");
    CHECK(node.get("gone") == "-");
    CHECK(node.get("more") == "c");
    const auto said = node.said();
    CHECK(said.find(rep("k", "own", k)) != std::string::npos);
    CHECK(said.find(rep("new", "own", n)) != std::string::npos);
    CHECK(said.find("delete gone\r\n") != std::string::npos);
}

TEST_CASE(
    "what may not have arrived when the link was lost is told again, what has settled is not") {
    Node node;
    node.meet();
    node.set("settled", "s");
    (void)node.said();
    node.pass(6'100);
    node.pass(6'100);
    const auto cas = node.set("late", "l");
    CHECK(node.said() == rep("late", "l", cas));
    node.link.end();
    node.call();
    node.hear("rep settled 0 0 1 9\r\nt\r\nrep late 0 0 1 9\r\nm\r\nmarugoto_end\r\n");
    CHECK(node.get("settled") == "t");
    CHECK(node.get("late") == "l");
    CHECK(node.said() == rep("late", "l", cas));
}

TEST_CASE("a flush of this node's clients outweighs the dump of a repcached that missed it") {
    Node node;
    node.call();
    node.hear("rep k 0 0 1 1\r\na\r\nmarugoto_end\r\n");
    node.link.end();
    (void)node.store.flush(node.now);
    node.set("own", "o");
    node.call();
    node.hear("rep k 0 0 1 1\r\na\r\nmarugoto_end\r\n");
    CHECK(node.get("k") == "-");
    CHECK(node.get("own") == "o");
    CHECK(node.said().starts_with("flush_all \r\n"));
}

TEST_CASE("a flush from before the two ever met is no news to a repcached") {
    Node node;
    (void)node.store.flush(node.now);
    node.meet();
    CHECK(node.said().empty());
}

TEST_CASE("a repcached that begins anew and empty takes nothing from a node that clients use") {
    Node node;
    node.call();
    node.hear("rep k 0 0 1 1\r\na\r\nmarugoto_end\r\n");
    node.link.end();
    node.set("own", "o");
    node.meet();
    CHECK(node.get("k") == "a");
    CHECK(node.get("own") == "o");
}

TEST_CASE(
    "a repcached that was lost within its filling gets the rest, and its dump drops nothing") {
    Node node;
    for (int i = 0; i < 300; ++i)
        node.set("key" + std::to_string(i), "v");
    node.is_called();
    CHECK(node.said(1000).size() < 16'000);
    node.link.end();
    node.call();
    node.hear("rep key1 0 0 1 1\r\nw\r\nmarugoto_end\r\n");
    CHECK(node.get("key2") == "v");
    const auto said = node.said();
    for (int i = 0; i < 300; ++i)
        if (said.find("rep key" + std::to_string(i) + " ") == std::string::npos) FAIL(i);
    CHECK(said.find("marugoto_end") == std::string::npos);
}

// The old wire confirms nothing. What was handed to the connection may have died with it.
TEST_CASE("a repcached that was sent all has it after two settling times, and not after one") {
    const auto settlings = GENERATE(1, 2);
    CAPTURE(settlings);
    Node node;
    node.set("key1", "v");
    node.set("key2", "v");
    node.is_called();
    REQUIRE(node.said().find("marugoto_end") != std::string::npos);
    for (int i = 0; i < settlings; ++i)
        node.pass(LegacySender::settling_time.count());
    node.link.end();
    node.call();
    node.hear("rep key1 0 0 1 1\r\nw\r\nmarugoto_end\r\n");
    CHECK(node.get("key2") == (settlings == 1 ? "v" : "-"));
}

TEST_CASE("what a log that is too small forgets is told to a repcached from what is held") {
    Node node(8U << 10);
    node.meet();
    for (int i = 0; i < 2000; ++i)
        node.set("key" + std::to_string(i), "v");
    std::string said;
    for (int turn = 0; turn < 300 && !node.link.is_drained(); ++turn) {
        said += node.said();
        node.pass(6'100);
    }
    REQUIRE(node.link.is_drained());
    for (int i = 0; i < 2000; ++i)
        if (said.find("rep key" + std::to_string(i) + " ") == std::string::npos) FAIL(i);
}

TEST_CASE("a word that no repcached says ends the session, and nothing behind it is taken") {
    Node node;
    node.meet();
    CHECK_FALSE(node.hear("get k\r\nrep k 0 0 1 1\r\na\r\n").empty());
    CHECK(node.get("k") == "-");
}
