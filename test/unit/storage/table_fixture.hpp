// One shard's table with evictor and collector, without the shard: tests place items where they
// want them, and decide when a step of eviction or collection comes.
#pragma once

#include "storage/eviction/collector.hpp"
#include "storage/eviction/evictor.hpp"
#include "test/unit/storage/recording_sink.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::storage {

struct Placing {
    Queue queue = Queue::fresh;
    Expiry expiry = {};
    unsigned frequency = 0;
    Version version = 0;  // 0: the next one
};

class TableFixture {
  public:
    static constexpr std::uint32_t slab_bytes = 32 << 10;
    static constexpr std::uint64_t large = 4096;  // a larger value has an extent

    // `settles`: main takes over some of what comes first, once there is something to evict.
    explicit TableFixture(std::uint64_t limit = 1U << 20, bool may_evict = true,
                          bool settles = false)
        : budget(limit),
          extents(budget, {256U << 20}),
          share(budget, 0),
          books(classes),
          table({share, extents, books}, hash, {0, slab_bytes, {256U << 20}}),
          drops(table, books, {sink, 0, nullptr}),
          evictor({share, extents, table, drops, books}, {may_evict, 32U << 20, 0}),
          collector(table, drops, books) {
        if (!settles) (void)evictor.evict_some(0, 0, now);  // there is nothing to settle
    }

    Key key(std::string_view bytes) const { return Key::of(bytes, hash); }
    Item* find(std::string_view bytes) const { return table.find(key(bytes)); }
    std::optional<std::string> value(std::string_view bytes) const {
        const Item* item = find(bytes);
        if (item == nullptr) return std::nullopt;
        return std::string(table.arena().value_of(*item), item->value_bytes());
    }
    std::optional<Queue> queue(std::string_view bytes) const {
        const Item* item = find(bytes);
        if (item == nullptr) return std::nullopt;
        return table.arena().queue_of(*item);
    }

    // False if there is no room, and none can be made.
    bool store(std::string_view name, std::string_view bytes, Placing placing = {}) {
        ItemForm form;
        form.key = name;
        form.value_bytes = bytes.size();
        form.version = placing.version != 0 ? placing.version : next_version++ << 11;
        form.expiry = placing.expiry;
        form.frequency = static_cast<std::uint8_t>(placing.frequency);
        form.last_access = now;
        if (bytes.size() > large) {
            form.extent = extents.allocate(bytes.size());
            while (form.extent == 0) {
                if (evictor.evict_some(bytes.size(), 0, now) == 0) return false;
                extents.collect();
                form.extent = extents.allocate(bytes.size());
            }
            std::memcpy(extents.data(form.extent), bytes.data(), bytes.size());
        }
        Placement placement{form.slab_bytes(), placing.queue, lifetime_of(form.expiry, now)};
        if (!table.has_room(placement) &&
            !(evictor.make_room(placement, now) && table.has_room(placement))) {
            if (form.extent != 0) extents.release(form.extent);
            return false;
        }
        Item* old = find(name);
        const Version before = old != nullptr ? old->version() : 0;
        Item* item = table.arena().place(placement, form);
        if (form.extent == 0) std::memcpy(item->value_in_slab(), bytes.data(), bytes.size());
        table.link(item, key(name).hash, old);
        (void)sink.on_change(0, {key(name), before, form.version, form.version, {}});
        return true;
    }
    void remove(std::string_view name) {
        Item* item = find(name);
        const Version version = item->version();
        table.remove(item, key(name).hash);
        (void)sink.on_change(0, {key(name), version, 0, version, Cause::local_delete});
    }

    // Recounts everything that is kept as a sum, and looks whether queues and slabs agree.
    void check_books() {
        Slabs& slabs = table.arena().slabs();
        std::uint64_t items = 0;
        std::uint64_t extent_bytes = 0;
        std::uint64_t slabs_seen = 0;
        for (const Queue queue : {Queue::fresh, Queue::main, Queue::bulk}) {
            std::uint64_t bytes = 0;
            SlabNumber older = 0;
            SlabNumber number = slabs.queue(queue).oldest;
            for (; number != 0; older = number, number = slabs[number].newer) {
                const Slab& slab = slabs[number];
                REQUIRE(slab.state != SlabState::free);
                REQUIRE(slab.queue == queue);
                REQUIRE(slab.older == older);
                ++slabs_seen;
                const Recount count = recount(number);
                REQUIRE(slab.live_items == count.items);
                REQUIRE(slab.live_bytes == count.bytes);
                items += count.items;
                extent_bytes += count.extent_bytes;
                bytes += slab_bytes + count.extent_bytes;
            }
            REQUIRE(slabs.queue(queue).newest == older);
            REQUIRE(slabs.queue(queue).bytes == bytes);
        }
        REQUIRE(slabs.count() == slabs_seen + slabs.kept());
        REQUIRE(table.index().items() == items);
        REQUIRE(sink.versions.size() == items);
        REQUIRE(sink.contradictions == 0);
        StoreStats stats;
        books.add_to(stats);
        stats.total_up();
        REQUIRE(stats.total.items == items);
        const std::uint64_t tables = slabs.bytes() + table.index().bytes() + evictor.ghost_bytes();
        REQUIRE(share.bytes() == tables + extent_bytes);
        REQUIRE(budget.used() == tables + extents.bytes());
    }

    MemoryBudget budget;
    Extents extents;
    SizeClasses classes{1.25, 48};
    lib::KeyedHash hash{"test"};
    RecordingSink sink;
    MemoryShare share;
    Books books;
    Table table;
    Drops drops;
    Evictor evictor;
    Collector collector;
    Tick now = 1000;
    Version next_version = 1;

  private:
    struct Recount {
        std::uint32_t items = 0;
        std::uint32_t bytes = 0;
        std::uint64_t extent_bytes = 0;
    };
    Recount recount(SlabNumber number) {
        Slabs& slabs = table.arena().slabs();
        Recount count;
        for (std::uint32_t offset = slabs[number].scanned; offset < slabs[number].used;) {
            Item& item = *slabs.at(number, offset);
            offset += item.slab_bytes();
            if (item.is_dead()) continue;
            REQUIRE(table.find(key(item.key())) == &item);
            const ExpirySpan& span = slabs[number].expiries;
            if (item.expiry().is_never()) {
                REQUIRE(span.latest == no_tick);
            } else {
                REQUIRE(span.earliest <= item.expiry().raw());
                REQUIRE(span.latest >= item.expiry().raw());
            }
            ++count.items;
            count.bytes += item.slab_bytes();
            count.extent_bytes += table.arena().extent_bytes(item);
        }
        return count;
    }
};

}  // namespace twincached::storage
