#include "storage/memory/extents.hpp"

#include "lib/random.hpp"
#include "storage/memory/pinned_value.hpp"
#include "test/unit/storage/seed.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <vector>

namespace twincached::storage {

namespace {

constexpr std::uint64_t mebibyte = 1U << 20;

struct Fixture {
    explicit Fixture(std::uint64_t limit = 64 * mebibyte)
        : budget(limit), extents(budget, {256 * mebibyte}) {}

    // Of what nobody holds, nothing is left.
    void free_all() {
        extents.collect();
        extents.end_rest();
    }

    MemoryBudget budget;
    Extents extents;
};

}  // namespace

TEST_CASE("an extent holds what it was asked for, and its memory counts while it is held") {
    Fixture fixture;
    const ExtentNumber extent = fixture.extents.allocate(100'000);
    REQUIRE(extent != 0);
    CHECK(fixture.extents.capacity(extent) >= 100'000);
    CHECK(fixture.extents.capacity(extent) < 101'000);
    CHECK(fixture.extents.bytes() >= 100'000);
    CHECK(fixture.budget.used() == fixture.extents.bytes());
    fixture.extents.release(extent);
    fixture.free_all();
    CHECK(fixture.budget.used() == 0);
}

TEST_CASE("an extent is not to be had beyond the limit, and what is left of it is") {
    Fixture fixture(mebibyte);
    CHECK(fixture.extents.allocate(mebibyte) == 0);  // its head needs some room, too
    const ExtentNumber most = fixture.extents.allocate(mebibyte - 4096);
    REQUIRE(most != 0);
    CHECK(fixture.extents.allocate(16 << 10) == 0);
    fixture.extents.release(most);
    CHECK(fixture.extents.allocate(16 << 10) != 0);
}

TEST_CASE("the last of those who hold an extent frees it") {
    Fixture fixture;
    const ExtentNumber extent = fixture.extents.allocate(100'000);
    CHECK_FALSE(fixture.extents.is_shared(extent));
    fixture.extents.retain(extent);
    CHECK(fixture.extents.is_shared(extent));
    CHECK(fixture.extents.pins() == 1);
    fixture.extents.release(extent);
    fixture.free_all();
    CHECK(fixture.extents.bytes() >= 100'000);
    CHECK(fixture.extents.pins() == 0);
    fixture.extents.release(extent);
    fixture.free_all();
    CHECK(fixture.extents.bytes() == 0);
}

TEST_CASE("a freed extent rests for one of its size, but not for a much smaller one") {
    Fixture fixture;
    const ExtentNumber extent = fixture.extents.allocate(100'000);
    fixture.extents.release(extent);
    CHECK(fixture.extents.bytes() >= 100'000);
    const ExtentNumber small = fixture.extents.allocate(50'000);
    CHECK(small != extent);
    CHECK(fixture.extents.allocate(99'000) == extent);
    CHECK_FALSE(fixture.extents.is_shared(extent));
    CHECK(fixture.extents.capacity(extent) >= 100'000);
}

TEST_CASE("what rests is a small part of the limit, and ends its rest when memory is wanted") {
    Fixture fixture(2 * mebibyte);
    std::vector<ExtentNumber> held;
    while (const ExtentNumber extent = fixture.extents.allocate(20'000))
        held.push_back(extent);
    REQUIRE(held.size() > 90);
    for (const ExtentNumber extent : held)
        fixture.extents.release(extent);
    CHECK(fixture.extents.bytes() <= 2 * mebibyte / 64 + 4096);
    CHECK(fixture.extents.bytes() > 0);
    CHECK(fixture.extents.allocate(2 * mebibyte - 4096) != 0);
}

TEST_CASE("extents rest up to a sixty-fourth of the limit, and not a unit more") {
    constexpr std::int64_t unit = 512;
    for (const std::int64_t off : {-unit, std::int64_t{0}, unit}) {
        Fixture fixture(mebibyte);
        const auto footprint = static_cast<std::uint64_t>((16 << 10) + off);
        const ExtentNumber extent = fixture.extents.allocate(footprint - 16);  // its head
        REQUIRE(fixture.extents.footprint(extent) == footprint);
        fixture.extents.release(extent);
        INFO(footprint << " bytes of 1 MiB");
        CHECK((fixture.extents.bytes() > 0) == (off <= 0));
    }
}

TEST_CASE("an extent may reach to the end of the address space, and no unit further") {
    constexpr std::uint64_t space = 64 << 10;
    constexpr std::uint64_t most = space - 4096 - 16;  // the first page is nobody's
    MemoryBudget budget(64 * mebibyte);
    Extents extents(budget, {space});
    CHECK(extents.allocate(most + 1) == 0);
    CHECK(budget.used() == 0);
    const ExtentNumber all = extents.allocate(most);
    REQUIRE(all != 0);
    std::memset(extents.data(all), 'x', most);
    CHECK(extents.allocate(1) == 0);
    CHECK(budget.used() == space - 4096);
}

TEST_CASE("what rests is taken by what is a sixteenth smaller, and by nothing yet smaller") {
    constexpr std::uint64_t unit = 512;
    for (const std::uint64_t units : {33U, 34U, 35U}) {
        Fixture fixture;
        const ExtentNumber resting = fixture.extents.allocate(units * unit - 16);
        (void)fixture.extents.allocate(1);  // so that none is joined with what is free beyond
        fixture.extents.release(resting);
        INFO(units << " units rest, 32 are wanted");
        CHECK((fixture.extents.allocate(32 * unit - 16) == resting) == (units <= 34));
    }
}

TEST_CASE("an extent of a mebibyte is put aside for whoever collects, a smaller one is not") {
    constexpr std::int64_t unit = 512;
    for (const std::int64_t off : {-unit, std::int64_t{0}, unit}) {
        Fixture fixture(4 * mebibyte);  // too little for one of these to rest
        const auto bytes = static_cast<std::uint64_t>(static_cast<std::int64_t>(mebibyte) + off);
        fixture.extents.release(fixture.extents.allocate(bytes - 16));
        INFO(bytes << " bytes");
        CHECK((fixture.extents.bytes() > 0) == (off >= 0));
        CHECK(fixture.extents.collect() == (off >= 0));
        CHECK(fixture.extents.bytes() == 0);
    }
}

TEST_CASE(
    "a large extent is given back to the system by whoever collects, not by its last holder") {
    Fixture fixture;
    const ExtentNumber extent = fixture.extents.allocate(4 * mebibyte);
    fixture.extents.release(extent);
    CHECK(fixture.extents.bytes() >= 4 * mebibyte);
    CHECK(fixture.extents.collect());
    CHECK(fixture.extents.bytes() == 0);
    CHECK_FALSE(fixture.extents.collect());
}

TEST_CASE("a pin holds a value that its owner has let go, and one that was moved holds it once") {
    Fixture fixture;
    const ExtentNumber extent = fixture.extents.allocate(5);
    std::memcpy(fixture.extents.data(extent), "value", 5);
    fixture.extents.retain(extent);
    PinnedValue pin(fixture.extents, extent, 5);
    fixture.extents.release(extent);
    PinnedValue other = std::move(pin);
    CHECK(other.bytes() == "value");
    other = PinnedValue();
    fixture.free_all();
    CHECK(fixture.extents.bytes() == 0);
}

TEST_CASE("whatever is allocated and freed, no extents overlap, and all memory comes back") {
    lib::Random random(seed_of("extents"));
    // More is allocated than freed: an eighth of what is held at the end fits.
    Fixture fixture(6 * mebibyte);
    struct Held {
        ExtentNumber extent;
        std::uint64_t bytes;
        char mark;
    };
    std::vector<Held> held;
    const auto is_whole = [&](const Held& one) {
        const char* data = fixture.extents.data(one.extent);
        return data[0] == one.mark && data[one.bytes / 2] == one.mark &&
               data[one.bytes - 1] == one.mark;
    };
    unsigned refused = 0;
    for (int i = 0; i < 5000; ++i) {
        if (held.empty() || random.below(100) < 55) {
            const std::uint64_t bytes =
                random.one_in(30) ? 1 + random.below(3 * mebibyte) : 1 + random.below(60'000);
            const ExtentNumber extent = fixture.extents.allocate(bytes);
            if (extent == 0) {
                ++refused;
                continue;
            }
            REQUIRE(fixture.extents.capacity(extent) >= bytes);
            // All of it, so that an overlap would be seen.
            const char mark = static_cast<char>(random.next());
            std::memset(fixture.extents.data(extent), mark, fixture.extents.capacity(extent));
            held.push_back({extent, bytes, mark});
        } else {
            std::swap(held[random.below(held.size())], held.back());
            REQUIRE(is_whole(held.back()));
            fixture.extents.release(held.back().extent);
            held.pop_back();
        }
        if (random.one_in(50)) fixture.extents.collect();
        if (random.one_in(200)) fixture.extents.end_rest();
        REQUIRE(fixture.budget.used() == fixture.extents.bytes());
        REQUIRE(fixture.budget.used() <= fixture.budget.limit());
    }
    CHECK(refused > 0);
    std::uint64_t footprints = 0;
    for (const Held& one : held) {
        REQUIRE(is_whole(one));
        footprints += fixture.extents.footprint(one.extent);
    }
    fixture.free_all();
    // A page may be shared by two neighbours, or be used by one in part.
    CHECK(fixture.extents.bytes() >= footprints - held.size() * 4096);
    CHECK(fixture.extents.bytes() <= footprints + held.size() * 2 * 4096);
    for (const Held& one : held)
        fixture.extents.release(one.extent);
    fixture.free_all();
    CHECK(fixture.extents.bytes() == 0);
}

}  // namespace twincached::storage
