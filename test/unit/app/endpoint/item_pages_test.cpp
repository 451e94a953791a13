#include "app/endpoint/item_pages.hpp"

#include "app/endpoint/answers.hpp"
#include "app/endpoint/query.hpp"
#include "replication/none.hpp"
#include "storage/store_options.hpp"
#include "test/unit/app/endpoint/fake_node.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

constexpr storage::Now now{10'000, 1'000'000, 1'800'000'000};

storage::StoreOptions small_store() {
    auto options = storage::default_store_options();
    options.memory_limit_bytes = 64 << 20;
    options.shards = 4;
    return options;
}

class Kept {
  public:
    void set(std::string_view key, std::string_view value,
             storage::Expiry expiry = storage::Expiry::never()) {
        storage::Write request;
        request.value = value;
        request.client_flags = 7;
        request.expiry = expiry;
        REQUIRE(store_.write(store_.key(key), now, request).outcome ==
                storage::WriteOutcome::stored);
    }

    Answer ask(std::string_view target) {
        const auto digests = [this](storage::BucketNumber first, std::span<std::uint64_t> to) {
            for (std::size_t i = 0; i < to.size(); ++i)
                to[i] = first + i;
            return has_digests;
        };
        const StoredItems items{store_, now, digests};
        const auto see = [] { return Standing(); };
        const auto tell = [](lib::FigureVisitor) {};
        const auto history = [] { return std::string(); };
        const auto lines = [](std::uint64_t) { return std::string(); };
        const auto act = [](const Action&) { return Verdict(); };
        return answer({"GET", target, {}, {}, Trust::owner},
                      {see, tell, history, lines, act, &items});
    }

    // All lines of as many answers as it takes; the last line of each answer is not among them.
    std::vector<std::string> all(const std::string& target) {
        std::vector<std::string> lines;
        const char separator = target.find('?') == std::string::npos ? '?' : '&';
        for (std::string from; answers < 10'000; ++answers) {
            std::istringstream text(ask(target + from).body);
            std::string last;
            for (std::string line; std::getline(text, line);) {
                if (!last.empty()) lines.push_back(last);
                last = line;
            }
            if (last == "end") return lines;
            REQUIRE(last.starts_with("more="));
            from = std::string(1, separator) + "from=" + last.substr(5);
        }
        FAIL("there is no end");
        return lines;
    }

    std::uint64_t hash_of(std::string_view key) { return store_.key(key).hash; }

    bool has_digests = true;
    std::size_t answers = 0;

  private:
    replication::NoneReplicator replicator_{{}};
    storage::Store store_{small_store(), lib::KeyedHash::of_seed(1), replicator_.sink()};
};

std::set<std::string> keys_of(const std::vector<std::string>& lines) {
    std::set<std::string> keys;
    for (const auto& line : lines)
        keys.insert(line.substr(4, line.find(' ') - 4));
    return keys;
}

}  // namespace

TEST_CASE("every key is listed, in answers that say where to go on") {
    Kept node;
    std::set<std::string> expected;
    for (int i = 0; i < 500; ++i) {
        node.set("key" + std::to_string(i), "value");
        expected.insert("key" + std::to_string(i));
    }
    CHECK(keys_of(node.all("/keys")) == expected);
    const auto at_once = node.answers;
    CHECK(keys_of(node.all("/keys?limit=50")) == expected);
    CHECK(node.answers > at_once + 1);
}

TEST_CASE("an answer that has as many keys as it is to have ends with their place in the index") {
    Kept node;
    for (int i = 0; i < 500; ++i)
        node.set("key" + std::to_string(i), "value");
    const auto one = node.ask("/keys?limit=1").body;
    const auto keys = std::count(one.begin(), one.end(), '\n') - 1;
    REQUIRE(keys >= 1);
    CHECK(keys < 50);
    CHECK(node.ask("/keys?limit=" + std::to_string(keys)).body == one);
    CHECK(node.ask("/keys?limit=" + std::to_string(keys + 1)).body != one);
}

TEST_CASE("keys are listed by their prefix, whatever bytes it has") {
    Kept node;
    node.set("user:1", "x");
    node.set("user:2", "x");
    node.set("page:1", "x");
    CHECK(keys_of(node.all("/keys?prefix=user%3A")) ==
          std::set<std::string>{"user%3A1", "user%3A2"});
    CHECK(node.all("/keys?prefix=user%00").empty());
}

TEST_CASE("keys are listed by their bucket, and no other bucket is looked at") {
    Kept node;
    for (int i = 0; i < 300; ++i)
        node.set(std::to_string(i), "x");
    const auto bucket = storage::bucket_of(node.hash_of("17"));
    const auto keys = keys_of(node.all("/keys?bucket=" + std::to_string(bucket)));
    CHECK(keys.contains("17"));
    for (const auto& key : keys)
        CHECK(storage::bucket_of(node.hash_of(key)) == bucket);
    CHECK(node.answers == 0);
    CHECK(node.ask("/keys?bucket=5&from=0").status == 400);
    CHECK(node.all("/keys?bucket=65535").size() <= 1);
}

TEST_CASE("an item is told with its value, its flags and its end, a key that is no text encoded") {
    Kept node;
    node.set("a\r\nb", "foo", storage::Expiry::at(now.tick() + 60));
    const auto lines = node.all("/items");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("key=a%0D%0Ab version="));
    CHECK(lines[0].ends_with(" exp=1800000060 flags=7 size=3 value=Zm9v"));
    CHECK(node.all("/keys")[0].ends_with(" exp=1800000060 flags=7 size=3"));
}

TEST_CASE("an item without an end says -1, one without a value has an empty one") {
    Kept node;
    node.set("a", "");
    CHECK(node.all("/items")[0].ends_with(" exp=-1 flags=7 size=0 value="));
}

TEST_CASE("values of any size are told, and large ones in answers of their own") {
    Kept node;
    for (int i = 0; i < 5; ++i)
        node.set("large" + std::to_string(i), std::string(900'000, 'x'));
    const auto lines = node.all("/items");
    CHECK(lines.size() == 5);
    CHECK(node.answers >= 3);
    for (const auto& line : lines)
        CHECK(line.size() > 1'200'000);
}

TEST_CASE("a digest is told for each bucket, or that there are none") {
    Kept node;
    const auto told = node.ask("/digest").body;
    CHECK(std::count(told.begin(), told.end(), '\n') == storage::bucket_count);
    CHECK(told.starts_with("0000000000000000\n0000000000000001\n"));
    CHECK(told.ends_with("000000000000ffff\n"));
    node.has_digests = false;
    CHECK(node.ask("/digest").status == 503);
}

TEST_CASE("who may not read items is told so, and figures are open to him") {
    const auto node = test::FakeNode::linked();
    for (const auto* page : {"/keys", "/items"}) {
        CHECK(node.ask(page).status == 403);
        CHECK(node.ask(page, "POST").status == 405);
    }
    CHECK(node.ask("/status").status == 200);
}

TEST_CASE("a parameter that cannot be read is named, and nothing is listed") {
    Kept node;
    node.set("a", "x");
    for (const auto* query :
         {"limit=0", "limit=x", "from=-1", "bucket=65536", "prefix=%4", "prefix=a&prefix=b",
          "limits=1", "prefix=%zz", "=", "bucket=1&bucket=1"}) {
        INFO(query);
        const auto told = node.ask(std::string("/keys?") + query);
        CHECK(told.status == 400);
        CHECK(std::count(told.body.begin(), told.body.end(), '\n') == 1);
    }
    CHECK(node.ask("/digest?x").status == 400);
}

TEST_CASE("a percent sign without two digits is no encoding") {
    CHECK(percent_decoded("a%20b%ff") == std::string("a b\xff"));
    CHECK(percent_decoded("") == std::string());
    for (const auto* text : {"%", "%1", "%1g", "%g1", "a%%41"})
        CHECK_FALSE(percent_decoded(text));
}

}  // namespace twincached::app
