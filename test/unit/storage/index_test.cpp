#include "storage/index/index.hpp"

#include "lib/random.hpp"
#include "test/unit/storage/seed.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace twincached::storage {

namespace {

// An index with a model beside it: which hash each reference is under.
class Fixture {
  public:
    explicit Fixture(std::uint64_t limit = 64U << 20, unsigned shard_bits = 0)
        : budget(limit), share(budget, 0), index(share, {256U << 20}, shard_bits) {}

    bool insert(std::uint64_t hash) {
        if (!index.prepare()) return false;
        const Ref ref = next++;
        index.insert(hash, ref);
        hashes[ref] = hash;
        return true;
    }
    void erase(Ref ref) {
        index.erase(hashes.at(ref), ref);
        hashes.erase(ref);
    }
    void step(unsigned buckets) {
        index.step(buckets, [&](Ref ref) { return hashes.at(ref); });
        (void)index.take_crowd();  // nobody is taken out for it here
    }
    void settle() {
        for (int i = 0; i < 100; ++i) {
            index.adjust();
            step(100'000);
        }
        REQUIRE_FALSE(index.is_moving());
    }
    bool has(std::uint64_t hash, Ref ref) const {
        return index.find(hash, [&](Ref candidate) { return candidate == ref; }) == ref;
    }
    std::set<Ref> walk(std::uint64_t from = 0) {
        std::set<Ref> seen;
        std::optional<std::uint64_t> hash = from;
        while (hash)
            hash = index.visit(*hash, [&](Ref ref) { seen.insert(ref); });
        return seen;
    }

    MemoryBudget budget;
    MemoryShare share;
    Index index;
    std::map<Ref, std::uint64_t> hashes;
    Ref next = 1;
};

}  // namespace

TEST_CASE("a reference is found under its hash, replaced there, and gone once it is erased") {
    Fixture fixture;
    REQUIRE(fixture.insert(0x1234'0000'0000'0077));
    CHECK(fixture.has(0x1234'0000'0000'0077, 1));
    CHECK_FALSE(fixture.has(0x1234'0000'0000'0078, 1));  // another tag
    fixture.index.replace(0x1234'0000'0000'0077, 1, 9);
    CHECK(fixture.has(0x1234'0000'0000'0077, 9));
    CHECK_FALSE(fixture.has(0x1234'0000'0000'0077, 1));
    fixture.index.erase(0x1234'0000'0000'0077, 9);
    CHECK_FALSE(fixture.has(0x1234'0000'0000'0077, 9));
    CHECK(fixture.index.items() == 0);
}

TEST_CASE("a hash whose tag would be that of an empty slot is found like any other") {
    Fixture fixture;
    REQUIRE(fixture.insert(0xAB00'0000'0000'0000));
    CHECK(fixture.has(0xAB00'0000'0000'0000, 1));
    CHECK(fixture.walk() == std::set<Ref>{1});
}

TEST_CASE("many references of one hash are all found, and their buckets are used again") {
    Fixture fixture;
    constexpr std::uint64_t hash = 0x5555'5555'5555'5555;
    std::uint64_t bytes = 0;
    for (int round = 0; round < 20; ++round) {
        std::vector<Ref> refs;
        for (int i = 0; i < 700; ++i) {
            refs.push_back(fixture.next);
            REQUIRE(fixture.insert(hash));
        }
        for (const Ref ref : refs)
            REQUIRE(fixture.has(hash, ref));
        if (round == 0) bytes = fixture.index.bytes();
        // From the front, so that each hole is filled from behind.
        for (const Ref ref : refs)
            fixture.erase(ref);
    }
    CHECK(fixture.index.items() == 0);
    CHECK(fixture.index.bytes() == bytes);
}

TEST_CASE("an index loses nothing and invents nothing, however it grows and shrinks") {
    lib::Random random(seed_of("index"));
    Fixture fixture(64U << 20, GENERATE(0U, 3U));
    std::vector<Ref> live;
    for (int phase = 0; phase < 6; ++phase) {
        const bool grows = phase % 2 == 0;
        for (int i = 0; i < 4000; ++i) {
            if (live.empty() || random.below(10) < (grows ? 9U : 1U)) {
                live.push_back(fixture.next);
                // Some hashes equal, many near each other: chains overflow.
                const std::uint64_t hash =
                    random.one_in(3) ? random.below(40) << 50 | random.below(3) : random.next();
                REQUIRE(fixture.insert(hash));
            } else {
                std::swap(live[random.below(live.size())], live.back());
                fixture.erase(live.back());
                live.pop_back();
            }
            if (random.one_in(4)) fixture.index.adjust();
            fixture.step(static_cast<unsigned>(random.below(3)));
        }
        REQUIRE(fixture.index.items() == live.size());
        for (const auto& [ref, hash] : fixture.hashes)
            REQUIRE(fixture.has(hash, ref));
    }
    std::set<Ref> all;
    for (const auto& [ref, hash] : fixture.hashes)
        all.insert(ref);
    CHECK(fixture.share.bytes() == fixture.index.bytes());
    CHECK(fixture.budget.used() == fixture.index.bytes());
    if (fixture.index.items() > 0) CHECK_FALSE(all.empty());
}

TEST_CASE("a walk along the hashes sees all that is there throughout, whatever happens meanwhile") {
    lib::Random random(seed_of("walk of the index"));
    Fixture fixture;
    std::set<Ref> stays;
    for (int i = 0; i < 3000; ++i) {
        stays.insert(fixture.next);
        REQUIRE(fixture.insert(random.next()));
    }
    fixture.settle();
    for (const bool grows : {true, false}) {
        std::vector<Ref> comers;
        for (const auto& [ref, hash] : fixture.hashes)
            if (stays.count(ref) == 0) comers.push_back(ref);
        std::set<Ref> seen;
        std::optional<std::uint64_t> hash = 0;
        while (hash) {
            hash = fixture.index.visit(*hash, [&](Ref ref) { seen.insert(ref); });
            // Fewer come than the walk passes by, else it would never end.
            for (int i = 0; i < (grows ? 3 : 10); ++i) {
                if (grows) {
                    REQUIRE(fixture.insert(random.next()));
                } else if (!comers.empty()) {
                    fixture.erase(comers.back());
                    comers.pop_back();
                }
            }
            fixture.index.adjust();
            fixture.step(static_cast<unsigned>(random.below(40)));
        }
        for (const Ref ref : stays)
            REQUIRE(seen.count(ref) == 1);
    }
}

TEST_CASE("a walk of one shard ends with the shard and sees each reference once") {
    constexpr unsigned bits = 4;
    Fixture fixture(64U << 20, bits);
    lib::Random random(7);
    constexpr std::uint64_t prefix = 0xA;
    for (int i = 0; i < 2000; ++i)
        REQUIRE(fixture.insert(prefix << 60 | random.next() >> bits));
    fixture.settle();
    std::uint64_t visits = 0;
    std::optional<std::uint64_t> hash = prefix << 60;
    while (hash) {
        REQUIRE(*hash >> 60 == prefix);
        hash = fixture.index.visit(*hash, [&](Ref) { ++visits; });
    }
    CHECK(visits == 2000);
}

TEST_CASE("an index that finds no memory to grow says what it wants, and grows when it is saved") {
    Fixture fixture(64 << 10);
    std::uint64_t inserted = 0;
    lib::Random random(1);
    while (fixture.insert(random.next())) {
        ++inserted;
        fixture.index.adjust();
        fixture.step(2);
        if (fixture.index.account().wanted() != 0) break;
    }
    REQUIRE(fixture.index.account().wanted() != 0);
    CHECK(fixture.budget.used() <= fixture.budget.limit());
    for (const auto& [ref, hash] : fixture.hashes)
        REQUIRE(fixture.has(hash, ref));

    fixture.budget.set_limit(1 << 20);
    fixture.index.account().save(fixture.index.account().wanted());
    CHECK(fixture.index.account().wanted() == 0);
    fixture.budget.set_limit(fixture.budget.used());  // what was saved is all there is
    fixture.index.adjust();
    CHECK(fixture.index.is_moving());
}

TEST_CASE("an index gives its memory back when its items have become few") {
    Fixture fixture;
    lib::Random random(2);
    const std::uint64_t before = fixture.index.bytes();
    for (int i = 0; i < 50'000; ++i) {
        REQUIRE(fixture.insert(random.next()));
        fixture.index.adjust();
        fixture.step(2);
    }
    fixture.settle();
    const std::uint64_t most = fixture.index.bytes();
    while (fixture.hashes.size() > 100)
        fixture.erase(fixture.hashes.begin()->first);
    fixture.settle();
    CHECK(most > before * 10);
    CHECK(fixture.index.bytes() < most / 4);
    CHECK(fixture.budget.used() == fixture.index.bytes());
    for (const auto& [ref, hash] : fixture.hashes)
        REQUIRE(fixture.has(hash, ref));
}

TEST_CASE("an index of the least size is at rest, however few items it has") {
    Fixture fixture;
    for (int items = 0; items < 3; ++items) {
        fixture.index.adjust();
        CHECK_FALSE(fixture.index.is_moving());
        REQUIRE(fixture.insert(1));
    }
}

TEST_CASE("an index grows with more than 85 % of its places taken, and shrinks below a third") {
    constexpr int places = 64 * 12;
    Fixture fixture;
    lib::Random random(5);
    const auto fill = [&](int items) {
        while (static_cast<int>(fixture.index.items()) < items)
            REQUIRE(fixture.insert(random.next()));
        fixture.index.adjust();
        return fixture.index.is_moving();
    };
    CHECK_FALSE(fill(places * 85 / 100));
    CHECK(fill(places * 85 / 100 + 1));
    fixture.settle();
    // Twice as long now.
    const auto empty = [&](int items) {
        while (static_cast<int>(fixture.index.items()) > items)
            fixture.erase(fixture.hashes.begin()->first);
        fixture.index.adjust();
        return fixture.index.is_moving();
    };
    CHECK_FALSE(empty(2 * places * 33 / 100 + 1));
    CHECK(empty(2 * places * 33 / 100));
}

TEST_CASE("an index says when one more of a hash would be too many, and names those it means") {
    Fixture fixture;
    constexpr std::uint64_t hash = 0x1234'0000'0000'0077;
    // Others in the bucket, so that it has an overflow.
    for (std::uint64_t other = 0; other < 12; ++other)
        REQUIRE(fixture.insert(hash + 1 + other));
    std::set<Ref> alike;
    while (!fixture.index.is_crowded(hash, 1)) {
        alike.insert(fixture.next);
        REQUIRE(fixture.insert(hash));
        REQUIRE(alike.size() < 100);
    }
    CHECK(alike.size() == 8);
    CHECK_FALSE(fixture.index.is_crowded(hash, 0));
    CHECK_FALSE(fixture.index.is_crowded(hash + 1, 1));
    std::set<Ref> named;
    fixture.index.visit_crowd(hash, 1, [&](Ref ref) { named.insert(ref); });
    CHECK(named == alike);
    fixture.erase(*alike.begin());
    CHECK_FALSE(fixture.index.is_crowded(hash, 1));
}

TEST_CASE("a chain of hashes that have nothing but their place in common has a limit, too") {
    Fixture fixture;
    std::vector<Ref> chain;
    std::uint64_t hash = 0;
    for (; !fixture.index.is_crowded(hash, 1); ++hash) {
        chain.push_back(fixture.next);
        REQUIRE(fixture.insert(hash));
        REQUIRE(chain.size() < 10'000);
    }
    CHECK(chain.size() == 512 * 12 + 1);  // the last overflow has one
    std::set<Ref> named;
    fixture.index.visit_crowd(hash, 1, [&](Ref ref) { named.insert(ref); });
    CHECK(named == std::set<Ref>(chain.begin() + 12, chain.begin() + 24));
}

TEST_CASE(
    "hashes that come in their order are no crowd, however few of an index's places they share") {
    Fixture fixture;
    lib::Random random(seed_of("order"));
    std::set<std::uint64_t> hashes;
    while (hashes.size() < 20'000)
        hashes.insert(random.next());
    for (const auto hash : hashes) {
        REQUIRE_FALSE(fixture.index.is_crowded(hash, 1));
        REQUIRE(fixture.insert(hash));
        fixture.index.adjust();
        fixture.step(2);
        REQUIRE_FALSE(fixture.index.has_crowd());
    }
}

TEST_CASE("an index that joins two chains into one too long says so before it goes on") {
    Fixture fixture;
    // So many that it grows, and then only those of two places that shrinking joins.
    std::vector<Ref> others;
    lib::Random random(3);
    for (int i = 0; i < 20'000; ++i) {
        others.push_back(fixture.next);
        REQUIRE(fixture.insert(random.next()));
        fixture.index.adjust();
        fixture.step(2);
    }
    fixture.settle();
    std::set<Ref> crowd;
    const auto fill = [&](std::uint64_t from) {
        while (!fixture.index.is_crowded(from, 1)) {
            crowd.insert(fixture.next);
            REQUIRE(fixture.insert(from));
        }
    };
    fill(0);
    fill(std::uint64_t{1} << 53);  // next to it: there are more than 2^11 buckets by far
    for (const Ref ref : others)
        fixture.erase(ref);
    std::size_t longest = 0;
    unsigned told = 0;
    for (int i = 0; i < 100'000 && fixture.index.items() > 0; ++i) {
        fixture.index.adjust();
        fixture.index.step(1, [&](Ref ref) { return fixture.hashes.at(ref); });
        std::size_t length = 0;
        (void)fixture.index.visit(0, [&](Ref) { ++length; });
        longest = std::max(longest, length);
        const auto hash = fixture.index.take_crowd();
        if (!hash) continue;
        ++told;
        while (fixture.index.is_crowded(*hash, 0)) {
            Ref oldest = 0;
            fixture.index.visit_crowd(*hash, 0, [&](Ref ref) { oldest = ref; });
            fixture.erase(oldest);
        }
        if (told == 1) CHECK_FALSE(fixture.index.has_crowd());
    }
    CHECK(told > 0);
    CHECK(longest <= 2 * 13);  // a bucket, and the one that was the newcomer
    for (const auto& [ref, hash] : fixture.hashes)
        REQUIRE(fixture.has(hash, ref));
}

}  // namespace twincached::storage
