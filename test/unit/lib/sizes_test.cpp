#include "lib/sizes.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>

using namespace twincached::lib;

TEST_CASE("a size is a number and one unit, in either case") {
    for (const auto* text : {"512k", "512K", "512kb", "512KB", "512kib", "512KiB"}) {
        INFO(text);
        CHECK(*parse_size(text) == 512U << 10);
    }
    CHECK(*parse_size("7", 1) == 7);
    CHECK(*parse_size("7b") == 7);
    CHECK(*parse_size("7b", 1024) == 7);
    CHECK(*parse_size("7", 1024) == 7 * 1024);
    CHECK(*parse_size("3g") == std::uint64_t{3} << 30);
    CHECK(*parse_size("3t") == std::uint64_t{3} << 40);
}

TEST_CASE("without a plain unit only nothing needs no unit") {
    CHECK(*parse_size("0") == 0);
    CHECK(*parse_size("0", 1024) == 0);
    CHECK(parse_size("7").has_error());
    CHECK(parse_size("00").has_error());
}

TEST_CASE("what is more than a number and a unit is no size") {
    for (const auto* text : {"", "k", "x", "1x", "1kx", "1kbx", "1kibx", "1ki", "1kk", "1bb", "1ib",
                             "-1", "+1", "1.5k", " 1", "1 ", "1 k", "0x10"}) {
        INFO(text);
        CHECK(parse_size(text).has_error());
    }
}

TEST_CASE("a size beyond 64 bits is refused, the largest below is not") {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    CHECK(*parse_size("18014398509481983k") == most / 1024 * 1024);
    CHECK(parse_size("18014398509481984k").has_error());
    CHECK(*parse_size("18446744073709551615b") == most);
    CHECK(parse_size("18446744073709551616b").has_error());
    CHECK(parse_size("18446744073709551615", 2).has_error());
    CHECK(parse_size("1152921504606846976k").has_error());  // 2^60, which would wrap to nothing
}

TEST_CASE("a size is shown in the largest unit that is exact, and is read back") {
    CHECK(size_text(64U << 20) == "64m");
    CHECK(size_text(1000) == "1000b");
    CHECK(size_text(0) == "0");
    for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{1023}, std::uint64_t{1024},
                                      std::uint64_t{1025}, (std::uint64_t{1} << 50) + 1024}) {
        CHECK(*parse_size(size_text(bytes)) == bytes);
    }
}
