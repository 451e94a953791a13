// Slabs, and which of them are open.

#include "storage/memory/slabs.hpp"
#include "storage/memory/open_slabs.hpp"

#include <catch2/catch.hpp>

#include <vector>

namespace twincached::storage {

namespace {

constexpr std::uint32_t slab_bytes = 32 << 10;

struct Fixture {
    explicit Fixture(unsigned slab_limit = 100)
        : budget(std::uint64_t{slab_limit} * slab_bytes),
          share(budget, 0),
          slabs(share, slab_bytes, {64U << 20}),
          open(slabs) {}

    Item* append(SlabNumber number, std::uint32_t bytes) {
        Item* item = slabs.append(number, bytes);
        ItemForm form;
        form.key = "key";
        form.version = 1;
        form.value_bytes = bytes - item_header_bytes - 3;
        item->write(form, bytes);
        return item;
    }
    // As Table does it.
    void bury(Item* item) {
        const SlabNumber number = slabs.slab_of(item);
        slabs[number].live_bytes -= item->slab_bytes();
        --slabs[number].live_items;
        item->set_dead();
        open.settle(number);
    }
    SlabNumber room_for(unsigned lifetime, Queue queue = Queue::fresh, std::uint32_t bytes = 64) {
        return open.with_room({bytes, queue, lifetime});
    }
    std::vector<SlabNumber> queue(Queue queue) const {
        std::vector<SlabNumber> numbers;
        for (SlabNumber n = slabs.queue(queue).oldest; n != 0; n = slabs[n].newer)
            numbers.push_back(n);
        return numbers;
    }

    MemoryBudget budget;
    MemoryShare share;
    Slabs slabs;
    OpenSlabs open;
};

using Numbers = std::vector<SlabNumber>;

}  // namespace

TEST_CASE("a reference finds the item, and the item its slab") {
    Fixture fixture;
    for (int i = 0; i < 3; ++i) {
        const SlabNumber number = fixture.slabs.open(Queue::fresh, 0);
        for (int k = 0; k < 5; ++k) {
            const Item* item = fixture.append(number, 64);
            REQUIRE(fixture.slabs.ref_of(item) != 0);
            REQUIRE(fixture.slabs.at(fixture.slabs.ref_of(item)) == item);
            REQUIRE(fixture.slabs.slab_of(item) == number);
        }
        CHECK(fixture.slabs.room(number) == slab_bytes - 5 * 64);
        CHECK(fixture.slabs[number].live_items == 5);
        CHECK(fixture.slabs[number].live_bytes == 5 * 64);
    }
}

TEST_CASE("slabs queue up in the order in which they were opened, and may change the queue") {
    Fixture fixture;
    for (int i = 0; i < 4; ++i)
        (void)fixture.slabs.open(i % 2 == 0 ? Queue::fresh : Queue::main, 0);
    CHECK(fixture.queue(Queue::fresh) == Numbers{1, 3});
    CHECK(fixture.queue(Queue::main) == Numbers{2, 4});
    fixture.slabs.move_to_queue(1, Queue::main);
    CHECK(fixture.queue(Queue::fresh) == Numbers{3});
    CHECK(fixture.queue(Queue::main) == Numbers{2, 4, 1});
    fixture.slabs.move_to_queue(4, Queue::main);
    CHECK(fixture.queue(Queue::main) == Numbers{2, 1, 4});
    CHECK(fixture.slabs.queue(Queue::main).bytes == 3 * slab_bytes);
    CHECK(fixture.slabs.queue(Queue::fresh).bytes == slab_bytes);
    fixture.slabs.free(1);
    CHECK(fixture.queue(Queue::main) == Numbers{2, 4});
    CHECK(fixture.slabs.queued_bytes() == 3 * slab_bytes);
}

TEST_CASE("a slab may be queued behind any other, or as the oldest, and keeps its age") {
    Fixture fixture;
    for (int i = 0; i < 2; ++i)
        (void)fixture.slabs.open(Queue::fresh, 0);
    for (int i = 0; i < 7; ++i)
        fixture.slabs.count_eviction();
    for (int i = 0; i < 2; ++i)
        (void)fixture.slabs.open(Queue::main, 0);
    fixture.slabs.move_behind(1, 0, Queue::main);
    CHECK(fixture.queue(Queue::main) == Numbers{1, 3, 4});
    fixture.slabs.move_behind(2, 1, Queue::main);
    CHECK(fixture.queue(Queue::main) == Numbers{1, 2, 3, 4});
    CHECK(fixture.queue(Queue::fresh) == Numbers{});
    CHECK(fixture.slabs.queue(Queue::fresh).newest == 0);
    CHECK(fixture.slabs.evictions_since_queued(2) == 7);
    CHECK(fixture.slabs.evictions_since_queued(3) == 0);
    fixture.slabs.move_behind(1, 4, Queue::main);
    CHECK(fixture.queue(Queue::main) == Numbers{2, 3, 4, 1});
    CHECK(fixture.slabs.queue(Queue::main).newest == 1);
    CHECK(fixture.slabs.queue(Queue::main).bytes == 4 * slab_bytes);
    CHECK(fixture.slabs.queue(Queue::fresh).bytes == 0);
    fixture.slabs.move_behind(3, 0, Queue::fresh);
    CHECK(fixture.queue(Queue::fresh) == Numbers{3});
}

TEST_CASE("one freed slab is kept for the next, the others go back at once") {
    Fixture fixture(3);
    for (SlabNumber number = 1; number <= 3; ++number)
        REQUIRE(fixture.slabs.open(Queue::fresh, 0) == number);
    CHECK(fixture.slabs.open(Queue::fresh, 0) == 0);
    fixture.slabs.free(2);
    fixture.slabs.free(1);
    CHECK(fixture.slabs.kept() == 1);
    CHECK(fixture.budget.used() == 2 * slab_bytes);
    CHECK(fixture.share.bytes() == 2 * slab_bytes);
    CHECK(fixture.slabs.open(Queue::main, 0) == 2);
    CHECK(fixture.slabs.open(Queue::main, 0) == 1);
    fixture.slabs.free(3);
    CHECK(fixture.slabs.give_back_kept() == slab_bytes);
    CHECK(fixture.slabs.give_back_kept() == 0);
    CHECK(fixture.budget.used() == 2 * slab_bytes);
    CHECK(fixture.slabs.bytes() == 2 * slab_bytes);
}

TEST_CASE("a slab that is opened again knows nothing of what it was") {
    Fixture fixture;
    const SlabNumber number = fixture.slabs.open(Queue::main, 3);
    fixture.append(number, 64)->set_dead();
    fixture.slabs[number].live_items = 0;
    fixture.slabs[number].expiries.include(77);
    fixture.slabs.free(number);
    REQUIRE(fixture.slabs.open(Queue::fresh, 1) == number);
    const Slab& slab = fixture.slabs[number];
    CHECK(slab.used == 0);
    CHECK(slab.live_bytes == 0);
    CHECK(slab.expiries.earliest == no_tick);
    CHECK(slab.expiries.latest == 0);
    CHECK(slab.queue == Queue::fresh);
    CHECK(slab.lifetime == 1);
}

TEST_CASE("what lives about as long shares a slab, as long as slabs are not too few") {
    Fixture fixture;
    const SlabNumber brief = fixture.room_for(0);
    const SlabNumber lasting = fixture.room_for(5);
    REQUIRE(brief != lasting);
    CHECK(fixture.room_for(0) == brief);
    CHECK(fixture.room_for(5) == lasting);
    SECTION("with two open of few, the others find none of their own: a longer one first") {
        CHECK(fixture.room_for(3) == lasting);
        CHECK(fixture.room_for(1) == lasting);
    }
    SECTION("a queue without any open slab gets one") {
        const SlabNumber main = fixture.room_for(3, Queue::main);
        CHECK(main != brief);
        CHECK(main != lasting);
        CHECK(fixture.slabs[main].queue == Queue::main);
    }
    SECTION("with many slabs each lifetime has its own") {
        for (int i = 0; i < 30; ++i)
            (void)fixture.slabs.open(Queue::main, 5);
        const SlabNumber own = fixture.room_for(3);
        CHECK(own != brief);
        CHECK(own != lasting);
        CHECK(fixture.slabs[own].lifetime == 3);
    }
}

TEST_CASE("a shorter lifetime's slab is taken where no longer one is open") {
    Fixture fixture;
    const SlabNumber first = fixture.room_for(0);
    const SlabNumber second = fixture.room_for(1);
    CHECK(fixture.room_for(4) == second);
    CHECK(first != second);
}

TEST_CASE("a full slab is sealed and gives its place to the next") {
    Fixture fixture;
    const SlabNumber first = fixture.room_for(5);
    fixture.append(first, slab_bytes - 32);
    CHECK(fixture.room_for(5, Queue::fresh, 32) == first);
    const SlabNumber second = fixture.room_for(5, Queue::fresh, 40);
    CHECK(second != first);
    CHECK(fixture.slabs[first].state == SlabState::sealed);
    CHECK(fixture.slabs[second].state == SlabState::open);
    CHECK(fixture.room_for(5, Queue::fresh, 32) == second);
}

TEST_CASE("no room where there is no memory for another slab") {
    Fixture fixture(1);
    const SlabNumber only = fixture.room_for(5);
    fixture.append(only, slab_bytes - 32);
    CHECK(fixture.room_for(5, Queue::fresh, 64) == 0);
    CHECK(fixture.slabs[only].state == SlabState::open);
}

TEST_CASE("a slab whose items have gone is free, or begins anew if it is open") {
    Fixture fixture;
    const SlabNumber number = fixture.room_for(5);
    Item* item = fixture.append(number, 64);
    fixture.slabs[number].expiries.include(50);
    SECTION("open") {
        fixture.bury(item);
        CHECK(fixture.slabs[number].state == SlabState::open);
        CHECK(fixture.slabs[number].used == 0);
        CHECK(fixture.slabs[number].expiries.earliest == no_tick);
    }
    SECTION("sealed") {
        fixture.open.close(number);
        fixture.bury(item);
        CHECK(fixture.slabs[number].state == SlabState::free);
        CHECK(fixture.room_for(5) == number);
    }
    SECTION("being emptied, it is left to whoever does it") {
        fixture.open.close(number);
        fixture.slabs[number].is_draining = true;
        fixture.bury(item);
        CHECK(fixture.slabs[number].state == SlabState::sealed);
    }
}

TEST_CASE("a sealed slab with less than half alive is sparse, once") {
    Fixture fixture;
    const SlabNumber number = fixture.room_for(5);
    std::vector<Item*> items;
    for (int i = 0; i < 8; ++i)
        items.push_back(fixture.append(number, slab_bytes / 8));
    fixture.open.close(number);
    for (int i = 0; i < 4; ++i)
        fixture.bury(items[static_cast<std::size_t>(i)]);
    CHECK(fixture.open.take_sparse() == 0);  // half is alive
    fixture.bury(items[4]);
    CHECK(fixture.open.take_sparse() == number);
    CHECK(fixture.open.take_sparse() == 0);
}

TEST_CASE("a slab that was freed is sparse no more, nor when it is open again") {
    Fixture fixture;
    const SlabNumber number = fixture.room_for(5);
    Item* first = fixture.append(number, 64);
    Item* second = fixture.append(number, 64);
    fixture.open.close(number);
    fixture.bury(first);  // sparse
    fixture.bury(second);
    REQUIRE(fixture.room_for(5) == number);
    CHECK(fixture.open.take_sparse() == 0);
}

TEST_CASE("a shard is poor that has less than seven eighths of an equal part") {
    MemoryBudget budget(64 << 10);
    MemoryShare share(budget, 2);  // one of four shards
    CHECK(share.is_poor());
    REQUIRE(share.take(14 << 10));
    CHECK_FALSE(share.is_poor());
    share.give(1);
    CHECK(share.is_poor());
    share.add(1);  // an extent
    CHECK_FALSE(share.is_poor());
    share.subtract(1);
}

TEST_CASE("items are sorted by what is left of their life") {
    constexpr Tick now = 1000;
    CHECK(lifetime_of(Expiry::at(now + 60), now) == 0);
    CHECK(lifetime_of(Expiry::at(now + 61), now) == 1);
    CHECK(lifetime_of(Expiry::at(now + 600), now) == 1);
    CHECK(lifetime_of(Expiry::at(now + 601), now) == 2);
    CHECK(lifetime_of(Expiry::at(now + 86'400), now) == 4);
    CHECK(lifetime_of(Expiry::at(now + 86'401), now) == 5);
    CHECK(lifetime_of(Expiry::never(), now) == 5);
    CHECK(lifetime_of(Expiry::past(), now) == 0);
}

}  // namespace twincached::storage
