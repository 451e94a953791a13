#include "protocol/digits.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>

using namespace twincached;

namespace {

template <class Number>
std::string written(Number number) {
    char digits[protocol::digits_limit];
    return {digits, protocol::put_number(digits, number)};
}

}  // namespace

TEST_CASE("a number of an answer is written as its digits, however many it has") {
    std::uint64_t wrong = 0;
    for (std::uint64_t number = 0; number < 20'000; ++number)
        wrong += written(number) == std::to_string(number) ? 0 : 1;
    CHECK(wrong == 0);
    for (std::uint64_t power = 10'000; power <= std::numeric_limits<std::uint64_t>::max() / 10;
         power *= 10) {
        CHECK(written(power) == std::to_string(power));
        CHECK(written(power - 1) == std::to_string(power - 1));
    }
    CHECK(written(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    CHECK(written(std::int64_t{-1}) == "-1");
    CHECK(written(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
}
