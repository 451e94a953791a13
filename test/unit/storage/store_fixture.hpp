// A store with a recording sink and a clock that tests set.
#pragma once

#include "storage/store.hpp"
#include "test/unit/storage/recording_sink.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::storage {

// An item as a test keeps it: nothing in it refers to the store.
struct KeptItem {
    std::string key;
    std::string value;
    Version version = 0;
    std::uint64_t cas = 0;
    std::uint32_t client_flags = 0;
    Expiry expiry;
    Tick last_access = 0;
    bool explicit_cas = false;
    bool fetched = false;
    bool stale = false;
    bool won = false;
    bool binary_key = false;
    bool pinnable = false;

    static KeptItem of(const ItemView& item) {
        return {std::string(item.key),
                std::string(item.value),
                item.version,
                item.cas,
                item.client_flags,
                item.expiry,
                item.last_access,
                item.explicit_cas,
                item.fetched,
                item.stale,
                item.won,
                item.binary_key,
                item.pinnable};
    }
};

inline StoreOptions small_store(std::uint64_t mebibytes = 8, unsigned shards = 1) {
    auto options = default_store_options();
    options.memory_limit_bytes = mebibytes << 20;
    options.shards = shards;
    options.node = 0;
    return options;
}

struct ReadCopy {
    ReadResult result;
    ReadMarks marks;
    std::optional<KeptItem> item;
};

class StoreFixture {
  public:
    explicit StoreFixture(const StoreOptions& options = small_store())
        : store(options, lib::KeyedHash("test"), sink) {
        now.version_ms = 1000;
        now.unix_seconds = 1'750'000'000;
        now.steady_ms = 100'000;
    }

    void advance_seconds(unsigned seconds) {
        now.steady_ms += seconds * 1000ULL;
        now.version_ms += seconds * 1000ULL;
        now.unix_seconds += seconds;
    }
    Expiry in_seconds(unsigned seconds) const { return Expiry::at(now.tick() + seconds); }
    void maintain(unsigned times = 20) {
        while (times-- > 0)
            store.maintain(now);
    }

    WriteResult set(std::string_view key, std::string_view value, Write write = {}) {
        write.value = value;
        return store.write(store.key(key), now, write);
    }
    std::optional<KeptItem> get(std::string_view key) {
        std::optional<KeptItem> copy;
        store.get(store.key(key), now, [&](const ItemView& item) { copy = KeptItem::of(item); });
        return copy;
    }
    ReadCopy read(std::string_view key, const Read& request) {
        ReadCopy copy;
        copy.result = store.read(store.key(key), now, request,
                                 [&](const ItemView& item, const ReadMarks& marks) {
                                     copy.item = KeptItem::of(item);
                                     copy.marks = marks;
                                 });
        return copy;
    }
    std::string value(std::string_view key) {
        const auto item = get(key);
        return item ? item->value : "(miss)";
    }
    std::optional<KeptItem> peek(std::string_view key) {
        std::optional<KeptItem> copy;
        store.peek(store.key(key), now, [&](const ItemView& item) { copy = KeptItem::of(item); });
        return copy;
    }
    RemoveResult remove(std::string_view key, const Remove& request = {}) {
        return store.remove(store.key(key), now, request);
    }
    ArithmeticResult add(std::string_view key, const Arithmetic& request) {
        return store.add(store.key(key), now, request);
    }
    ApplyOutcome apply(std::string_view key, Version version, std::string_view value,
                       Record record = {}) {
        record.key = store.key(key);
        record.version = version;
        record.value = value;
        ApplyOutcome outcome = ApplyOutcome::outdated;
        store.with_shard(store.shard_of(record.key.hash),
                         [&](Shard& shard) { outcome = shard.apply(record, now); });
        return outcome;
    }
    std::vector<std::string> walk_keys(std::size_t budget = 16) {
        std::vector<std::string> keys;
        std::optional<Store::Cursor> cursor = Store::Cursor{};
        while (cursor)
            cursor = store.walk(*cursor, budget, now,
                                [&](const ItemView& item) { keys.emplace_back(item.key); });
        return keys;
    }

    RecordingSink sink;
    Store store;
    Now now;
};

}  // namespace twincached::storage
