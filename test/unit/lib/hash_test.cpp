#include "lib/hash.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace twincached::lib;

TEST_CASE("a hash of a secret is the same at every place, and tells nothing of the secret's text") {
    CHECK(KeyedHash::of_secret("opensesame").seed() == KeyedHash::of_secret("opensesame").seed());
    CHECK(KeyedHash::of_secret("opensesame").seed() != KeyedHash::of_secret("opensesame2").seed());
    CHECK(KeyedHash::of_secret("opensesame").seed() != KeyedHash("opensesame").seed());
    // The pair's two nodes need not be of one version: these numbers must not change.
    CHECK(KeyedHash::of_secret("opensesame").seed() == 0x738d3fb8b4422285);
    CHECK(KeyedHash("opensesame").seed() == 0x1994c71a1ff26723);
}

TEST_CASE("a random hash is another one each time") {
    std::set<std::uint64_t> seeds;
    for (int i = 0; i < 10; ++i)
        seeds.insert(KeyedHash::random().seed());
    CHECK(seeds.size() == 10);
}

TEST_CASE("hashes of one seed are equal") {
    const auto hash = KeyedHash::of_seed(7);
    CHECK(hash("key") == KeyedHash::of_seed(7)("key"));
    CHECK(hash("key") != KeyedHash::of_seed(8)("key"));
}
