#include "storage/index/table.hpp"

#include "test/unit/storage/table_fixture.hpp"

#include <catch2/catch.hpp>

#include <set>

namespace twincached::storage {

namespace {

ItemForm form_like(const Item& item) {
    ItemForm form = item.form();
    form.key = "a";
    return form;
}

}  // namespace

TEST_CASE("what is linked is found by its key and by its hash, and nothing else is") {
    TableFixture fixture;
    REQUIRE(fixture.store("a", "1"));
    REQUIRE(fixture.store("b", "2"));
    CHECK(fixture.value("a") == "1");
    CHECK_FALSE(fixture.value("c"));
    unsigned found = 0;
    fixture.table.find_hash(fixture.key("b").hash, [&](Item& item) {
        ++found;
        CHECK(item.key() == "b");
    });
    CHECK(found == 1);
    fixture.remove("b");
    CHECK_FALSE(fixture.value("b"));
    fixture.check_books();
}

TEST_CASE("a new item replaces the old one of its key") {
    TableFixture fixture;
    REQUIRE(fixture.store("a", "1"));
    const Item* before = fixture.find("a");
    REQUIRE(fixture.store("a", "2"));
    CHECK(before->is_dead());
    CHECK(fixture.value("a") == "2");
    fixture.check_books();
}

TEST_CASE("an item is written over where it lies if it loses little room and keeps its time") {
    TableFixture fixture;
    REQUIRE(fixture.store("a", std::string(1000, 'x'), {Queue::fresh, Expiry::at(1500)}));
    Item* item = fixture.find("a");
    ItemForm form = form_like(*item);
    SECTION("as large, and sooner gone") {
        form.expiry = Expiry::at(1400);
        CHECK(fixture.table.arena().rewrite(item, form));
        CHECK(item->expiry() == Expiry::at(1400));
    }
    SECTION("an eighth smaller") {
        form.value_bytes = 1000 - 128;
        CHECK(fixture.table.arena().rewrite(item, form));
        CHECK(item->slab_bytes() > form.slab_bytes());
    }
    SECTION("much smaller: the waste is not worth it") {
        form.value_bytes = 1000 - 128 - 16;
        CHECK_FALSE(fixture.table.arena().rewrite(item, form));
    }
    SECTION("larger: there is no room") {
        form.value_bytes = 1000 + 8;
        CHECK_FALSE(fixture.table.arena().rewrite(item, form));
    }
    SECTION("longer alive than its neighbours: the slab would not die as a whole") {
        form.expiry = Expiry::at(1501);
        CHECK_FALSE(fixture.table.arena().rewrite(item, form));
    }
    SECTION("for ever among those that die") {
        form.expiry = Expiry::never();
        CHECK_FALSE(fixture.table.arena().rewrite(item, form));
    }
    SECTION("large now: its extent is not the old one's") {
        form.extent = 1;
        CHECK_FALSE(fixture.table.arena().rewrite(item, form));
    }
    fixture.check_books();
}

TEST_CASE("a small item may waste sixty-four bytes of its room, whatever part that is") {
    TableFixture fixture;
    REQUIRE(fixture.store("a", std::string(107, 'x')));  // 18 + 1 + 107, to the next eight: 128
    ItemForm form = form_like(*fixture.find("a"));
    form.value_bytes = 45;
    CHECK(fixture.table.arena().rewrite(fixture.find("a"), form));
    form.value_bytes = 44;
    CHECK(fixture.table.arena().rewrite(fixture.find("a"), form));
    form.value_bytes = 37;
    CHECK_FALSE(fixture.table.arena().rewrite(fixture.find("a"), form));
}

TEST_CASE("an extent that the old item and the new one have passes to the new one") {
    TableFixture fixture;
    const std::string value(50'000, 'x');
    REQUIRE(fixture.store("a", value));
    Item* old = fixture.find("a");
    const ItemForm form = form_like(*old);
    Placement placement{form.slab_bytes(), Queue::main};
    REQUIRE(fixture.table.has_room(placement));
    Item* item = fixture.table.arena().place(placement, form);
    fixture.table.link(item, fixture.key("a").hash, old);
    CHECK(fixture.value("a") == value);
    CHECK_FALSE(fixture.extents.is_shared(item->extent()));
    fixture.check_books();
    fixture.remove("a");
    fixture.extents.end_rest();
    CHECK(fixture.extents.bytes() == 0);
    fixture.check_books();
}

TEST_CASE("a flush version covers what is not newer, and stubs by their birth") {
    TableFixture fixture;
    REQUIRE(fixture.store("old", "1", {Queue::fresh, {}, 0, 100}));
    REQUIRE(fixture.store("new", "1", {Queue::fresh, {}, 0, 102}));
    fixture.table.set_flush_version(101);
    CHECK(fixture.table.is_flushed(*fixture.find("old")));
    CHECK_FALSE(fixture.table.is_flushed(*fixture.find("new")));
    fixture.table.set_flush_version(102);
    CHECK(fixture.table.is_flushed(*fixture.find("new")));

    ItemForm stub;
    stub.key = "stub";
    stub.birth = 103;
    Placement placement{stub.slab_bytes()};
    REQUIRE(fixture.table.has_room(placement));
    const Item* item = fixture.table.arena().place(placement, stub);
    CHECK_FALSE(fixture.table.is_flushed(*item));
    fixture.table.set_flush_version(103);
    CHECK(fixture.table.is_flushed(*item));
}

TEST_CASE("the earliest expiry of all that was stored or touched is noted, once") {
    TableFixture fixture;
    CHECK(fixture.table.arena().take_noted_expiry() == no_tick);
    REQUIRE(fixture.store("never", "1"));
    CHECK(fixture.table.arena().take_noted_expiry() == no_tick);
    REQUIRE(fixture.store("a", "1", {Queue::fresh, Expiry::at(3000)}));
    REQUIRE(fixture.store("b", "1", {Queue::fresh, Expiry::at(2000)}));
    CHECK(fixture.table.arena().take_noted_expiry() == 2000);
    CHECK(fixture.table.arena().take_noted_expiry() == no_tick);
    fixture.table.arena().set_expiry(*fixture.find("a"), Expiry::at(1500));
    CHECK(fixture.table.arena().take_noted_expiry() == 1500);
    fixture.check_books();
}

TEST_CASE("an item that moves keeps all that it has, and leaves nothing alive behind") {
    TableFixture fixture;
    const std::string value = GENERATE(std::string("small"), std::string(20'000, 'x'));
    REQUIRE(fixture.store("a", value, {Queue::fresh, Expiry::at(9999), 2}));
    Item* item = fixture.find("a");
    Placement placement;
    placement.queue = Queue::main;
    const Item* copy = fixture.table.move(item, fixture.key("a").hash, placement);
    REQUIRE(copy != nullptr);
    CHECK(item->is_dead());
    CHECK(fixture.find("a") == copy);
    CHECK(fixture.value("a") == value);
    CHECK(copy->expiry() == Expiry::at(9999));
    CHECK(copy->frequency() == 2);
    CHECK(fixture.queue("a") == Queue::main);
    fixture.table.arena().open_slabs().settle(fixture.table.arena().slabs().slab_of(item));
    fixture.check_books();
}

TEST_CASE(
    "a scan sees each live item of a slab once, also if it drops it, and goes on where told") {
    TableFixture fixture;
    for (int i = 0; i < 100; ++i)
        REQUIRE(fixture.store("k" + std::to_string(i), "value"));
    for (int i = 0; i < 100; i += 3)
        fixture.remove("k" + std::to_string(i));
    std::set<std::string> seen;
    const auto visit = [&](Item& item, std::uint64_t hash) {
        CHECK(hash == fixture.key(item.key()).hash);
        CHECK(seen.emplace(item.key()).second);
        if (seen.size() % 2 == 0) fixture.drops.drop(item, hash, Cause::evicted, fixture.now);
        return seen.size() % 20 != 0;
    };
    std::uint32_t offset = 0;
    unsigned scans = 0;
    while (offset < fixture.table.arena().slabs()[1].used) {
        offset = fixture.table.scan(1, offset, visit);
        ++scans;
    }
    CHECK(seen.size() == 66);
    CHECK(scans == 4);
    CHECK(fixture.table.index().items() == 33);
    fixture.check_books();
}

TEST_CASE("items are visited by age, those of the main queue first") {
    TableFixture fixture;
    REQUIRE(fixture.store("b", "1"));
    REQUIRE(fixture.store("a", "1", {Queue::main}));
    REQUIRE(fixture.store("c", "1"));
    REQUIRE(fixture.store("d", "1"));
    fixture.remove("c");
    std::string seen;
    const auto visit = [&](const Item& item, Queue queue) {
        CHECK(queue == fixture.table.arena().queue_of(item));
        seen += item.key();
        return seen.size() < 2;
    };
    CHECK_FALSE(fixture.table.arena().visit_by_age(visit));
    CHECK(seen == "ab");
    CHECK_FALSE(fixture.table.arena().visit_by_age(visit));
    CHECK(seen == "aba");
}

}  // namespace twincached::storage
