#include "replication/changes/change_log.hpp"

#include "lib/hash.hpp"
#include "lib/random.hpp"
#include "test/unit/rounds.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

using namespace twincached;
using replication::ChangeLog;

namespace {

storage::Key key_of(const std::string& bytes) {
    static const lib::KeyedHash hash("test");
    return storage::Key::of(bytes, hash);
}

ChangeLog::Found append(ChangeLog& log, const storage::Key& key, storage::Version version) {
    return log.append(log.find(key), key, version);
}

}  // namespace

TEST_CASE("the log gives entries in the order in which keys were first changed") {
    ChangeLog log(1U << 16);
    for (const char* key : {"a", "b", "c"})
        REQUIRE(append(log, key_of(key), 1));
    std::string order;
    while (const auto found = log.next_unsent()) {
        order += found.entry->key();
        (void)log.mark_sent(found);
    }
    CHECK(order == "abc");
    CHECK(log.unsent_entries() == 0);
    CHECK(log.entries() == 3);
}

TEST_CASE("an acknowledgement frees what was sent up to it, and nothing else") {
    ChangeLog log(1U << 16);
    for (const char* key : {"a", "b", "c"})
        REQUIRE(append(log, key_of(key), 1));
    (void)log.mark_sent(log.next_unsent());
    const auto second = log.mark_sent(log.next_unsent());
    log.acknowledge(second);
    CHECK_FALSE(log.find(key_of("a")));
    CHECK_FALSE(log.find(key_of("b")));
    CHECK(log.find(key_of("c")));
    log.acknowledge(~ChangeLog::Position{0} / 2);
    CHECK(log.find(key_of("c")));
}

TEST_CASE("after a lost session sent entries are sent again, each key once") {
    ChangeLog log(1U << 16);
    REQUIRE(append(log, key_of("a"), 1));
    (void)log.mark_sent(log.next_unsent());
    REQUIRE(append(log, key_of("a"), 2));
    log.rewind();
    const auto found = log.next_unsent();
    REQUIRE(found);
    CHECK(found.entry->version == 2);
    (void)log.mark_sent(found);
    CHECK_FALSE(log.next_unsent());
    CHECK(log.entries() == 1);
}

TEST_CASE("the newest entry of a key is what those before it were: more than a touch, wanted") {
    const bool was_written = GENERATE(true, false);
    const bool was_wanted = GENERATE(true, false);
    ChangeLog log(1U << 16);
    const auto older = append(log, key_of("a"), 1);
    REQUIRE(older);
    older.entry->touch_only = !was_written;
    if (was_wanted) log.mark_wanted(*older.entry, 10);
    (void)log.mark_sent(log.next_unsent());
    const auto newer = append(log, key_of("a"), 2);
    REQUIRE(newer);
    newer.entry->touch_only = true;
    log.rewind();
    const auto found = log.next_unsent();
    REQUIRE(found);
    CHECK(found.entry->version == 2);
    CHECK(found.entry->touch_only == !was_written);
    CHECK(found.entry->wanted == was_wanted);
    CHECK(log.wanted_bytes() == (was_wanted ? 10U : 0U));
}

TEST_CASE("a full log takes nothing more until its oldest entry is popped") {
    ChangeLog log(400);
    unsigned count = 0;
    while (append(log, key_of("key" + std::to_string(count)), 1))
        ++count;
    REQUIRE(count > 1);
    CHECK(log.bytes() <= 400);
    ChangeLog::Folded folded;
    REQUIRE(log.pop_oldest(folded));
    CHECK(folded.hash == key_of("key0").hash);
    CHECK(append(log, key_of("key" + std::to_string(count)), 1));
}

TEST_CASE("whatever happens to it, the log finds the newest entry of each key that it holds") {
    const char* text = std::getenv("CHANGE_LOG_SEED");
    const auto seed = text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
    INFO("CHANGE_LOG_SEED=" << seed);
    lib::Random random(seed);
    for (const std::size_t limit : {200U, 2000U, 60000U}) {
        ChangeLog log(limit);
        std::map<std::string, storage::Version> newest;  // versions only grow
        ChangeLog::Position sent = 0;
        for (std::uint64_t i = 1; i < 20000; ++i) {
            const auto key = "k" + std::to_string(random.below(300));
            const auto draw = random.below(100);
            if (draw < 60) {
                const auto found = log.find(key_of(key));
                if (found && log.is_unsent(found)) {
                    found.entry->version = i;
                    newest[key] = i;
                } else if (append(log, key_of(key), i)) {
                    newest[key] = i;
                } else {
                    ChangeLog::Folded folded;
                    REQUIRE(log.pop_oldest(folded));
                }
            } else if (draw < 85) {
                if (const auto found = log.next_unsent()) sent = log.mark_sent(found);
            } else if (draw < 97) {
                log.acknowledge(sent);
            } else {
                log.rewind();
                sent = 0;
            }
            REQUIRE(log.bytes() <= log.capacity());
            REQUIRE(log.unsent_entries() <= log.entries());
            const auto found = log.find(key_of(key));
            if (found) {
                REQUIRE(found.entry->key() == key);
                REQUIRE(found.entry->version == newest[key]);
            }
        }
        ChangeLog::Folded folded;
        while (log.pop_oldest(folded)) {
        }
        CHECK(log.entries() == 0);
        CHECK(log.unsent_entries() == 0);
        CHECK(log.bytes() == 0);
    }
}

TEST_CASE("a log takes few keys with one half of a hash, and says that room would not help") {
    ChangeLog log(1U << 20);
    std::vector<std::string> names;
    for (unsigned i = 0; i < 40'000; ++i)
        names.push_back("key " + std::to_string(i));
    unsigned taken = 0;
    for (const auto& name : names) {
        const auto found = append(log, {name, 0x1234'5678'9ABC'DEF0}, 1);
        if (found) ++taken;
        if (!found) REQUIRE(found.position == ChangeLog::crowded);
    }
    CHECK(taken == 16);
    // Those that it has are found, changed and sent as ever.
    CHECK(append(log, {names[3], 0x1234'5678'9ABC'DEF0}, 2));
    CHECK(log.find({names[3], 0x1234'5678'9ABC'DEF0}).entry->version == 2);
    CHECK_FALSE(log.find({names[99], 0x1234'5678'9ABC'DEF0}));
    CHECK(log.version_of_hash(0x1234'5678'9ABC'DEF0) == 2);
    // Another hash finds its place behind them.
    CHECK(append(log, {"other", 0x1234'5678'9ABC'DEF1}, 1));
    while (const auto found = log.next_unsent())
        log.acknowledge(log.mark_sent(found));
    CHECK(log.empty());
    CHECK(append(log, {names[99], 0x1234'5678'9ABC'DEF0}, 3));
}

TEST_CASE("a log whose hashes lie one beside the other refuses what would lie too far from home") {
    ChangeLog log(1U << 21);
    constexpr auto appended = test::rounds<std::uint64_t>(12'000, 4'000);
    std::vector<std::string> names;
    std::uint64_t refused = 0;
    // Three of each home: every one pushes the next further away.
    for (std::uint64_t i = 0; i < appended; ++i) {
        names.push_back("key " + std::to_string(i));
        const auto hash = (i / 3 + 1) | (i % 3) << 32 | (i % 3) << 20;
        const auto found = append(log, {names.back(), hash}, 1);
        if (!found) REQUIRE(found.position == ChangeLog::crowded);
        if (!found) ++refused;
        REQUIRE(static_cast<bool>(log.find({names.back(), hash})) == static_cast<bool>(found));
    }
    CHECK(refused > 0);
    CHECK(log.entries() == appended - refused);
    // Whatever leaves the long run leaves it whole.
    std::uint64_t seen = 0;
    while (const auto found = log.next_unsent()) {
        log.acknowledge(log.mark_sent(found));
        ++seen;
    }
    CHECK(seen == appended - refused);
    CHECK(log.empty());
}
