// The memory of a change log, and the index over it, each by itself: see also change_log_test.cpp.
#include "replication/changes/log_chunks.hpp"

#include "replication/changes/log_index.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

using namespace twincached;
using namespace twincached::replication;

namespace {

constexpr std::size_t small_log = 8192;
// Of an index for 64 slots: seven eighths of its tables.
constexpr std::size_t near_slots = 8;
constexpr std::size_t near_keys = 7;
constexpr std::size_t far_keys = 56;

// Entries in the first chunks of a log, one every 64 bytes.
struct Entries {
    Entries() { REQUIRE(chunks.take(chunks.begin())); }

    LogChunks chunks{small_log};
    LogIndex index{64};
    LogPosition head = chunks.begin();
    LogPosition next = head;

    // For more than the first chunk holds.
    void take_all() {
        for (auto at = head + chunks.size(); at < head + small_log; at += chunks.size())
            REQUIRE(chunks.take(at));
    }
    LogPosition add(std::uint64_t hash, std::string_view key, storage::Version version = 1) {
        const auto position = next;
        next += 64;
        auto* entry = new (chunks.at(position)) LogEntry{
            version, hash, 0, static_cast<std::uint8_t>(key.size()), true, true, false, false};
        std::memcpy(reinterpret_cast<char*>(entry + 1), key.data(), key.size());
        return position;
    }
    LogIndex::Probe probe(std::uint64_t hash, std::string_view key) const {
        return index.probe({key, hash}, chunks, head);
    }
    LogPosition index_it(std::uint64_t hash, std::string_view key, storage::Version version = 1) {
        const auto position = add(hash, key, version);
        const auto slot = probe(hash, key);
        REQUIRE(slot.free != LogIndex::no_slot);
        index.fill(slot.free, hash, position);
        return position;
    }
    // 0: it has none.
    LogPosition find(std::uint64_t hash, std::string_view key) const {
        const auto slot = probe(hash, key).found;
        return slot == LogIndex::no_slot ? 0 : index.position_in(slot, head);
    }
};

}  // namespace

TEST_CASE("a log takes chunks one after the other, and no more than its capacity may span") {
    LogChunks chunks(small_log);
    std::size_t taken = 0;
    for (auto at = chunks.begin(); chunks.take(at); at += chunks.size())
        ++taken;
    CHECK(taken * chunks.size() >= small_log);
    CHECK(taken <= 2 * (small_log / chunks.size() + 3));
}

TEST_CASE("what a log has left makes room for what it grows into") {
    LogChunks chunks(small_log);
    auto at = chunks.begin();
    for (int i = 0; i < 1000; ++i, at += chunks.size()) {
        REQUIRE(chunks.take(at));
        std::memset(static_cast<void*>(chunks.at(at)), i & 0xFF, chunks.size());
        chunks.free_before(at);
    }
}

TEST_CASE("a chunk is kept as long as any position in it is needed") {
    LogChunks chunks(small_log);
    const auto first = chunks.begin();
    REQUIRE(chunks.take(first));
    REQUIRE(chunks.take(first + chunks.size()));
    chunks.at(first)->version = 7;
    chunks.free_before(first + chunks.size() - LogChunks::alignment);
    CHECK(chunks.at(first)->version == 7);
}

TEST_CASE("the index finds the entry of a key among others with the same half of a hash") {
    Entries log;
    constexpr std::uint64_t half = 0x1234;
    const auto one = log.index_it(std::uint64_t{1} << 32 | half, "one");
    const auto two = log.index_it(std::uint64_t{2} << 32 | half, "two");
    const auto alike = log.index_it(std::uint64_t{2} << 32 | half, "alike");
    CHECK(log.find(std::uint64_t{1} << 32 | half, "one") == one);
    CHECK(log.find(std::uint64_t{2} << 32 | half, "two") == two);
    CHECK(log.find(std::uint64_t{2} << 32 | half, "alike") == alike);
    CHECK(log.find(std::uint64_t{3} << 32 | half, "one") == 0);
}

TEST_CASE("an entry that is taken out leaves those behind it where they are found") {
    Entries log;
    std::string names = "abcdefgh";
    std::vector<LogPosition> positions;
    for (std::size_t i = 0; i < names.size(); ++i)
        positions.push_back(log.index_it(5 + i % 2, names.substr(i, 1)));
    for (std::size_t gone = 0; gone < names.size(); ++gone) {
        const auto slot = log.index.slot_of(*log.chunks.at(positions[gone]), positions[gone]);
        REQUIRE(slot != LogIndex::no_slot);
        log.index.erase(slot);
        for (std::size_t i = 0; i < names.size(); ++i) {
            INFO(i << " after " << gone);
            CHECK(log.find(5 + i % 2, names.substr(i, 1)) == (i <= gone ? 0 : positions[i]));
        }
    }
}

TEST_CASE("a hash whose half is 0 is found like any other") {
    Entries log;
    const auto at = log.index_it(std::uint64_t{9} << 32, "zero");
    CHECK(log.find(std::uint64_t{9} << 32, "zero") == at);
}

TEST_CASE("sixteen keys may have the same half of a hash, and the seventeenth finds no place") {
    Entries log;
    log.take_all();
    for (std::uint64_t i = 0; i < 16; ++i)
        log.index_it(i << 32 | 77, "k");
    const auto slot = log.probe(std::uint64_t{16} << 32 | 77, "k");
    CHECK(slot.free == LogIndex::no_slot);
    CHECK(slot.found == LogIndex::no_slot);
}

TEST_CASE("an index has room up to seven eighths of either table") {
    Entries log;
    log.take_all();
    for (std::uint64_t i = 0; i < near_keys + far_keys; ++i) {
        CHECK(log.index.has_room());
        log.index_it(i * 97 + 1, "k");
    }
    CHECK_FALSE(log.index.has_room());
}

TEST_CASE("keys are near while there is room, and all are found wherever they are") {
    Entries log;
    log.take_all();
    std::vector<LogPosition> positions;
    const auto hash_of = [](std::size_t i) { return std::uint64_t{i} * 97 + 1; };
    const auto slot_of = [&](std::size_t i) {
        return log.index.slot_of(*log.chunks.at(positions[i]), positions[i]);
    };
    for (std::size_t i = 0; i < near_keys + 20; ++i)
        positions.push_back(log.index_it(hash_of(i), "k"));
    for (std::size_t i = 0; i < positions.size(); ++i) {
        INFO(i);
        CHECK(log.find(hash_of(i), "k") == positions[i]);
        CHECK((slot_of(i) < near_slots) == (i < near_keys));
        CHECK(log.index.version_of(hash_of(i), log.chunks, log.head) == 1);
    }
    log.index.erase(slot_of(0));
    CHECK(log.find(hash_of(0), "k") == 0);
    positions[0] = log.index_it(hash_of(0), "k");
    CHECK(slot_of(0) < near_slots);

    const auto moved = log.add(hash_of(near_keys), "k", 2);
    log.index.move(log.probe(hash_of(near_keys), "k").found, moved);
    CHECK(log.find(hash_of(near_keys), "k") == moved);
}

TEST_CASE("of one hash the highest version counts, and of others none") {
    Entries log;
    log.index_it(5, "a", 10);
    log.index_it(5, "b", 30);
    log.index_it(5, "c", 20);
    log.index_it(6, "d", 40);
    CHECK(log.index.version_of(5, log.chunks, log.head) == 30);
    CHECK(log.index.version_of(7, log.chunks, log.head) == 0);
}
