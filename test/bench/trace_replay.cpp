// Replays a trace of requests through the store, without a network: a get that misses is followed
// by a set of the object's real size, as an application does. Prints the miss ratio.
//
//    trace_replay FILE [--memory MB] [--size-scale F] [--shards N] [--threads N]
//
// FILE begins with 16 bytes ("CTR1", 0, the number of records); a record is 24 bytes: time, ttl
// (4 each), id (8), value size (4), key size (2), operation (1: get, set, delete, add), unused.
// Objects whose value exceeds 1 MiB after scaling are left to the item size limit.

#include "lib/hash.hpp"
#include "storage/store.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace twincached;

struct Record {
    std::uint32_t time;
    std::uint32_t ttl;
    std::uint64_t id;
    std::uint32_t value_bytes;
    std::uint16_t key_bytes;
    std::uint8_t operation;
    std::uint8_t unused;
};
static_assert(sizeof(Record) == 24);

enum class Operation : std::uint8_t { get, set, remove, add };

struct Settings {
    std::string file;
    storage::StoreOptions store = storage::default_store_options();
    double size_scale = 1;
};

Settings parse(int count, char** words) {
    Settings settings;
    settings.store.threads = 4;
    settings.store.node = 0;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        const auto number = [&] { return i + 1 < count ? std::atof(words[++i]) : 0.0; };
        if (word == "--memory")
            settings.store.memory_limit_bytes = static_cast<std::uint64_t>(number()) << 20;
        else if (word == "--size-scale")
            settings.size_scale = number();
        else if (word == "--shards")
            settings.store.shards = static_cast<unsigned>(number());
        else if (word == "--threads")
            settings.store.threads = static_cast<unsigned>(number());
        else
            settings.file = word;
    }
    return settings;
}

std::vector<Record> load(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    std::array<char, 16> head{};
    file.read(head.data(), head.size());
    if (!file || std::memcmp(head.data(), "CTR1", 4) != 0) {
        std::fprintf(stderr, "%s: not a trace\n", name.c_str());
        std::exit(1);
    }
    std::uint64_t count = 0;
    std::memcpy(&count, head.data() + 8, sizeof count);
    std::vector<Record> records(count);
    file.read(reinterpret_cast<char*>(records.data()),
              static_cast<std::streamsize>(count * sizeof(Record)));
    return records;
}

// A key of the real length, different for every id.
std::string_view key_of(const Record& record, std::array<char, 256>& text) {
    const std::size_t size = std::clamp<std::size_t>(record.key_bytes, 4, 250);
    text.fill('k');
    std::uint64_t id = record.id;
    if (size < 16) {  // all bits of a long id would not fit: mixed, so that few collide
        id *= 0x9E3779B97F4A7C15ULL;
        id ^= id >> 29;
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 16); ++i, id >>= 4)
        text[size - 1 - i] = "0123456789abcdef"[id & 15];
    return {text.data(), size};
}

struct Totals {
    std::uint64_t gets = 0, misses = 0, sets = 0, failed = 0;
    std::uint64_t get_bytes = 0, missed_bytes = 0;
};

Totals replay(storage::Store& store, const std::vector<Record>& records, double size_scale) {
    Totals totals;
    storage::Now now;
    const std::uint32_t begin = records.empty() ? 0 : records.front().time;
    std::vector<char> blob(1 << 20, 'v');
    std::array<char, 256> text{};
    for (const Record& record : records) {
        now.steady_ms = (std::uint64_t{storage::first_tick} + record.time - begin) * 1000;
        now.version_ms = now.steady_ms;
        const storage::Key key = store.key(key_of(record, text));
        const auto size = std::max(1.0, record.value_bytes * size_scale + 0.5);
        const auto bytes = static_cast<std::uint64_t>(size);
        auto operation = static_cast<Operation>(record.operation);
        if (operation == Operation::remove) {
            store.remove(key, now, {});
            continue;
        }
        if (operation == Operation::get) {
            ++totals.gets;
            totals.get_bytes += key.bytes.size() + bytes;
            if (store.get(key, now, [](const storage::ItemView&) {}).hit()) continue;
            ++totals.misses;
            totals.missed_bytes += key.bytes.size() + bytes;
        }
        if (bytes > blob.size()) blob.resize(bytes, 'v');
        storage::Write write;
        write.value = {blob.data(), bytes};
        if (record.ttl != 0) write.expiry = storage::Expiry::at(now.tick() + record.ttl);
        ++totals.sets;
        if (store.write(key, now, write).outcome != storage::WriteOutcome::stored) ++totals.failed;
    }
    return totals;
}

}  // namespace

int main(int count, char** words) {
    const Settings settings = parse(count, words);
    const std::vector<Record> records = load(settings.file);
    storage::NoReplication sink;
    storage::Store store(settings.store, lib::KeyedHash(), sink);
    const auto begin = std::chrono::steady_clock::now();
    const Totals totals = replay(store, records, settings.size_scale);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const storage::StoreStats stats = store.stats();
    const auto ratio = [](std::uint64_t part, std::uint64_t whole) {
        return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
    };
    std::printf("shards %u gets %lu miss_ratio %.4f byte_miss %.4f sets %lu failed %lu ",
                store.shard_count(), totals.gets, ratio(totals.misses, totals.gets),
                ratio(totals.missed_bytes, totals.get_bytes), totals.sets, totals.failed);
    std::printf("items %lu copied_per_item %.2f ns_per_request %.0f\n", stats.total.items,
                ratio(stats[storage::Work::bytes_copied], totals.sets),
                1e9 * took.count() / static_cast<double>(records.size()));
    const auto mebibytes = [](std::uint64_t bytes) {
        return static_cast<double>(bytes) / (1 << 20);
    };
    std::printf(
        "  MiB: used %.1f of %.1f slabs %.1f index %.1f ghosts %.1f extents %.1f; "
        "accounted %.1f\n",
        mebibytes(stats.memory_used), mebibytes(stats.memory_limit), mebibytes(stats.slab_bytes),
        mebibytes(stats.index_bytes), mebibytes(stats.ghost_bytes), mebibytes(stats.extent_bytes),
        mebibytes(stats.total.bytes));
}
