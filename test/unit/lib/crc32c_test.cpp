#include "lib/crc32c.hpp"

#include "lib/random.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached::lib;

TEST_CASE("CRC-32C gives the sums of RFC 3720, by instruction and by table") {
    CHECK(crc32c("123456789") == 0xE3069283);
    CHECK(crc32c_portable("123456789") == 0xE3069283);
    CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AA);
    CHECK(crc32c_portable(std::string(32, '\0')) == 0x8A9136AA);
    CHECK(crc32c("") == 0);
}

TEST_CASE("both forms of CRC-32C agree at every length, whole or in two parts") {
    Random random(1);
    std::string bytes(7000, '\0');
    for (auto& byte : bytes)
        byte = static_cast<char>(random.next());
    for (std::size_t size = 0; size < bytes.size(); size += size < 64 ? 1 : 311) {
        const auto whole = std::string_view(bytes).substr(0, size);
        const auto sum = crc32c_portable(whole);
        CHECK(crc32c(whole) == sum);
        const auto cut = random.below(size + 1);
        CHECK(crc32c(whole.substr(cut), crc32c(whole.substr(0, cut))) == sum);
    }
}
