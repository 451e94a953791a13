// The rules of the store that clients see, each as a sentence. Word for word answers are the
// protocol's tests; here stands what the store itself promises.

#include "test/unit/storage/recording_sink.hpp"
#include "test/unit/storage/store_fixture.hpp"

#include <catch2/catch.hpp>

namespace twincached::storage {

TEST_CASE("what was set is read, with its flags and a CAS unique") {
    StoreFixture fixture;
    Write write;
    write.client_flags = 7;
    const auto result = fixture.set("name", "Mizu", write);
    CHECK(result.outcome == WriteOutcome::stored);
    const auto item = fixture.get("name");
    REQUIRE(item);
    CHECK(item->value == "Mizu");
    CHECK(item->client_flags == 7);
    CHECK(item->cas == result.cas);
}

TEST_CASE("an absent key is a miss") {
    StoreFixture fixture;
    CHECK_FALSE(fixture.get("nobody"));
}

}  // namespace twincached::storage
