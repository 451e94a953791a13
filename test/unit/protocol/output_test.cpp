#include "protocol/execution/output.hpp"

#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::protocol::test {

namespace {

std::string write_all(Output& output, std::size_t piece) {
    std::string written;
    while (!output.empty()) {
        std::string_view segments[2];
        const auto used = output.gather(segments);
        // Asked 300,000 times in pieces of a byte: Catch is told of what fails alone.
        if (used == 0) FAIL("there is something to write, and nothing is gathered");
        std::size_t count = 0;
        for (std::size_t i = 0; i < used; ++i) {
            const auto part = segments[i].substr(0, piece - count);
            written += part;
            count += part.size();
        }
        output.consume(count);
    }
    return written;
}

storage::PinnedValue pin(TestService& service, std::string_view key) {
    storage::PinnedValue value;
    auto& store = service.store();
    store.get(store.key(key), some_time(),
              [&](const storage::ItemView& item) { value = store.pin(item); });
    return value;
}

}  // namespace

TEST_CASE("bytes and pinned values leave in the order in which they came, in any pieces") {
    TestService service;
    const std::string large(100'000, 'L');
    Client(service).say("set big 0 0 100000\r\n" + large + "\r\n");
    const auto piece = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{50'000}, SIZE_MAX);
    Output output;
    output.append("first ");
    output.append(pin(service, "big"));
    output.append(pin(service, "big"));
    output.append(" between ");
    output.append(pin(service, "big"));
    CHECK(output.size() == 15 + 300'000);
    CHECK(write_all(output, piece) == "first " + large + large + " between " + large);
    CHECK(output.size() == 0);
    output.append("again");
    CHECK(write_all(output, piece) == "again");
    output.release();
    CHECK(output.bytes().capacity() == 0);
}

TEST_CASE("what was put last can be taken back, pinned values included, also when some has left") {
    TestService service;
    const std::string large(100'000, 'L');
    Client(service).say("set big 0 0 100000\r\n" + large + "\r\n");
    Output output;
    output.append("first ");
    output.append(pin(service, "big"));
    output.append("kept");
    output.consume(50'006);
    const auto kept = output.size();
    std::string rest(50'000, 'L');
    rest += "kept";
    REQUIRE(kept == rest.size());
    output.append(" taken");
    output.append(pin(service, "big"));
    output.append(" back");
    output.truncate(kept);
    CHECK(output.size() == kept);
    output.append("!");
    CHECK(write_all(output, 1000) == rest + "!");
    output.append(pin(service, "big"));
    output.truncate(0);
    CHECK(output.empty());
}

}  // namespace twincached::protocol::test
