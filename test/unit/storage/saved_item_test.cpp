#include "storage/shard/saved_item.hpp"

#include "test/unit/storage/recording_sink.hpp"
#include "test/unit/storage/store_fixture.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

using namespace twincached;
using namespace twincached::storage;

namespace {

struct Kept {
    std::string head;
    std::string value;
};

std::vector<Kept> save(Store& store) {
    std::vector<Kept> kept;
    store.save([&](const SavedItem& item) {
        std::array<char, saved_item_head_most> head{};
        const auto size = write_head(item, head.data());
        kept.push_back({std::string(head.data(), size), std::string(item.value)});
        return true;
    });
    return kept;
}

RestoreOutcome restore(StoreFixture& fixture, const Kept& kept) {
    auto head = read_head(kept.head);
    REQUIRE(head);
    head->item.value = kept.value;
    return fixture.store.restore(head->item, fixture.now);
}

void restore_all(StoreFixture& fixture, StoreFixture& from) {
    fixture.now = from.now;
    fixture.store.restore(from.store.registers());
    for (const auto& kept : save(from.store))
        (void)restore(fixture, kept);
}

}  // namespace

TEST_CASE("a saved item's head is read as it was written, and not from fewer bytes") {
    SavedItem item;
    item.key = "the key";
    item.value = "some value";
    item.version = 77ULL << 13;
    item.expiry = Expiry::at(1234);
    item.last_access = 99;
    item.client_flags = 0xDEADBEEF;
    item.explicit_cas = 42;
    item.queue = Queue::main;
    item.frequency = 3;
    item.fetched = item.stale = item.won = item.binary_key = true;
    std::array<char, saved_item_head_most> bytes{};
    const std::string_view all(bytes.data(), write_head(item, bytes.data()));
    for (std::size_t size = 0; size < all.size(); ++size)
        CHECK_FALSE(read_head(all.substr(0, size)));
    const auto head = read_head(all);
    REQUIRE(head);
    CHECK(head->head_bytes == all.size());
    CHECK(head->value_bytes == item.value.size());
    CHECK(head->item.key == item.key);
    CHECK(head->item.version == item.version);
    CHECK(head->item.expiry == item.expiry);
    CHECK(head->item.last_access == item.last_access);
    CHECK(head->item.client_flags == item.client_flags);
    CHECK(head->item.explicit_cas == item.explicit_cas);
    CHECK(head->item.queue == item.queue);
    CHECK(head->item.frequency == item.frequency);
    CHECK((head->item.fetched && head->item.stale && head->item.won && head->item.binary_key));
}

TEST_CASE("a head that makes no sense is refused") {
    SavedItem item;
    item.key = "k";
    item.version = 1;
    std::array<char, saved_item_head_most> bytes{};
    const auto size = write_head(item, bytes.data());
    const auto spoilt = [&](std::size_t at, char byte) {
        std::string copy(bytes.data(), size);
        copy[at] = byte;
        return copy + std::string(300, 'x');
    };
    CHECK(read_head(spoilt(0, '\1')));
    CHECK_FALSE(read_head(spoilt(0, '\0')));     // no version
    CHECK_FALSE(read_head(spoilt(24, '\0')));    // no key
    CHECK_FALSE(read_head(spoilt(24, '\xFB')));  // a key of 251 bytes
    CHECK_FALSE(read_head(spoilt(25, '\x40')));  // a mark that nobody knows
    CHECK_FALSE(read_head(spoilt(26, '\4')));    // a frequency that nobody counts to
    CHECK_FALSE(read_head(spoilt(19, '\x40')));  // a value of a gigabyte and more
}

TEST_CASE("a store gives its items to one of other shards, as they were") {
    StoreOptions options = small_store();
    options.memory_limit_bytes = 64U << 20;
    options.shards = 1;
    StoreFixture before(options);
    options.shards = 4;
    options.memory_limit_bytes = 128U << 20;
    StoreFixture after(options);
    for (int n = 0; n < 2000; ++n) {
        Write write;
        write.client_flags = static_cast<std::uint32_t>(n);
        if (n % 3 == 0) write.expiry = before.in_seconds(100);
        const std::size_t size = n % 100 == 0 ? 300'000 : static_cast<std::size_t>(n);
        before.set("key" + std::to_string(n), std::string(size, 'v'), write);
        if (n % 7 == 0) (void)before.get("key" + std::to_string(n));
    }
    restore_all(after, before);
    CHECK(after.store.stats().total.items == 2000);
    CHECK(after.store.version_time() >= before.store.version_time());
    for (int n = 0; n < 2000; ++n) {
        const auto key = "key" + std::to_string(n);
        const auto was = before.get(key);
        const auto is = after.get(key);
        REQUIRE(is);
        CHECK(is->value == was->value);
        CHECK(is->version == was->version);
        CHECK(is->client_flags == was->client_flags);
        CHECK(is->expiry == was->expiry);
    }
    CHECK(after.set("new", "x").cas > before.get("key1999")->cas);
}

TEST_CASE("what expired meanwhile is told to the sink and does not come back") {
    StoreFixture before;
    StoreFixture after;
    Write write;
    write.expiry = before.in_seconds(5);
    before.set("short", "x", write);
    before.set("flushed", "x");
    before.store.flush(before.now);
    before.set("short", "x", write);
    before.advance_seconds(10);
    restore_all(after, before);
    CHECK(after.store.stats().total.items == 0);
    CHECK(after.store.flush_version() == before.store.flush_version());
    REQUIRE(after.sink.events.size() == 2);
    CHECK(after.sink.events[0].cause == Cause::restored);
    CHECK(after.sink.events[1].cause == Cause::expired);
    CHECK(after.sink.events[1].version == after.sink.events[0].version);
}

TEST_CASE("what is larger than items may be now is told to the sink as evicted") {
    StoreFixture before;
    StoreOptions options = small_store();
    options.item_size_limit_bytes = 1000;
    StoreFixture after(options);
    before.set("large", std::string(2000, 'x'));
    restore_all(after, before);
    CHECK(after.store.stats().total.items == 0);
    REQUIRE(after.sink.events.size() == 2);
    CHECK(after.sink.events.back().cause == Cause::evicted);
}

TEST_CASE("a smaller store keeps what had come back or was read, not what was first") {
    StoreOptions options = small_store();
    options.memory_limit_bytes = 64U << 20;
    StoreFixture before(options);
    for (int n = 0; n < 40'000; ++n)
        before.set("key" + std::to_string(n), std::string(500, 'v'));
    for (int n = 0; n < 1000; ++n) {
        (void)before.get("key" + std::to_string(n));
        (void)before.get("key" + std::to_string(n));
    }
    options.memory_limit_bytes = 8U << 20;
    StoreFixture after(options);
    restore_all(after, before);
    unsigned read = 0;
    for (int n = 0; n < 1000; ++n)
        if (after.get("key" + std::to_string(n))) ++read;
    CHECK(read > 900);
    CHECK(after.store.stats().memory_used <= options.memory_limit_bytes);
}

TEST_CASE("what nobody has read counts as not fetched, whatever else was done with it") {
    StoreFixture fixture;
    const auto fetched = [&](std::string_view key) {
        bool is = false;
        (void)fixture.store.peek(fixture.store.key(key), fixture.now,
                                 [&](const ItemView& item) { is = item.fetched; });
        return is;
    };
    fixture.set("counter", "1");
    (void)fixture.store.add(fixture.store.key("counter"), fixture.now, {});
    CHECK_FALSE(fetched("counter"));
    Write add;
    add.mode = WriteMode::add;
    fixture.set("counter", "2", add);
    CHECK_FALSE(fetched("counter"));
    (void)fixture.get("counter");
    CHECK(fetched("counter"));
    Read vivify;
    vivify.vivify = fixture.in_seconds(30);
    (void)fixture.read("stub", vivify);
    CHECK(fetched("stub"));
}

TEST_CASE("a scheduled flush survives, and is still this node's to fire") {
    StoreFixture before;
    StoreFixture after;
    before.set("doomed", "x");
    before.store.schedule_flush(before.now.steady_ms + 2000, before.now);
    restore_all(after, before);
    CHECK(after.get("doomed"));
    after.advance_seconds(3);
    after.maintain();
    CHECK_FALSE(after.get("doomed"));
}
