// Clients of several threads, beside what keeps the house, at one store.
#include "test/unit/storage/store_fixture.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace twincached::storage {

TEST_CASE("two threads may do what they like at the same time") {
    NoReplication sink;
    StoreOptions options = small_store(8, 2);
    Store store(options, lib::KeyedHash(), sink);
    std::atomic<bool> lied{false};
    const auto work = [&](std::uint64_t seed) {
        Now now;
        for (int i = 0; i < 6000; ++i) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            const std::string name = "key" + std::to_string((seed >> 33) % 3000);
            const Key key = store.key(name);
            const std::string value = name + std::string((seed >> 40) % 30'000, 'x');
            Write write;
            write.value = value;
            PinnedValue pin;
            if (i % 3 == 0) store.write(key, now, write);
            store.get(key, now, [&](const ItemView& item) {
                if (item.value.substr(0, name.size()) != name) lied = true;
                if (item.pinnable) pin = store.pin(item);
            });
            if (!pin.bytes().empty() && pin.bytes().substr(0, name.size()) != name) lied = true;
            if (i % 50 == 0) store.remove(key, now, {});
            if (i % 500 == 0) store.maintain(now);
            if (i % 700 == 0) (void)store.stats();
            if (i == 3000) store.flush(now);
            now.steady_ms += 1;
            const Key keys[] = {key, store.key("key1"), store.key("key2")};
            store.get_many(
                keys, now, plain_get, [](std::size_t, const ItemView&, const ReadMarks&) {},
                [](std::size_t, Miss) {});
        }
    };
    std::thread other(work, 1);
    work(2);
    other.join();
    CHECK_FALSE(lied);
}

}  // namespace twincached::storage
