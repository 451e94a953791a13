#include "storage/store_options.hpp"

#include <catch2/catch.hpp>

#include <cstdint>

using namespace twincached::storage;

namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t gib = kib * kib * kib;

bool is_accepted(std::uint64_t item_size, std::uint64_t memory) {
    auto options = default_store_options();
    options.item_size_limit_bytes = item_size;
    options.memory_limit_bytes = memory;
    return problems_of(options).empty();
}

}  // namespace

TEST_CASE("the largest item has 1 KiB to 1 GiB, and at most half of the memory") {
    CHECK_FALSE(is_accepted(kib - 1, 64 * kib * kib));
    CHECK(is_accepted(kib, 64 * kib * kib));
    CHECK(is_accepted(gib, 4 * gib));
    CHECK_FALSE(is_accepted(gib + 1, 4 * gib));
    CHECK(is_accepted(32 * kib * kib, 64 * kib * kib));
    CHECK_FALSE(is_accepted(32 * kib * kib + 1, 64 * kib * kib));
}

TEST_CASE("a store has twice as many shards as threads, rounded up to a power of two") {
    auto options = default_store_options();
    options.memory_limit_bytes = 4 * gib;
    const auto shards_of = [&](unsigned threads) {
        options.threads = threads;
        return planned_shard_count(options);
    };
    CHECK(shards_of(16) == 32);
    CHECK(shards_of(17) == 64);
    options.shards = 7;  // what is asked for is rounded down
    CHECK(shards_of(16) == 4);
}
