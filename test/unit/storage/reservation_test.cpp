#include "storage/reservation.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace twincached::storage {

namespace {

constexpr std::size_t mebibyte = 1 << 20;

// Has the mapping at that address been advised to use huge pages?
bool wants_huge_pages(const char* address) {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/smaps");
    bool is_ours = false;
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        char dash = 0;
        std::istringstream head(line);
        head >> std::hex >> begin >> dash >> end;
        if (!head.fail() && dash == '-') is_ours = begin <= wanted && wanted < end;
        if (!is_ours || !line.starts_with("VmFlags:")) continue;
        return line.find(" hg") != std::string::npos;
    }
    return false;
}

}  // namespace

TEST_CASE("memory is usable up to where it was committed, and reads as zero") {
    Reservation memory({64 * mebibyte});
    REQUIRE(memory.commit_to(3 * mebibyte + 1));
    memory.base()[3 * mebibyte] = 'x';
    CHECK(memory.base()[0] == 0);
    CHECK_FALSE(memory.commit_to(64 * mebibyte + 1));
    memory.give_back(3 * mebibyte, page_bytes);
    CHECK(memory.base()[3 * mebibyte] == 0);
}

TEST_CASE("huge pages are asked for only by whoever wants them, and fit the memory") {
    Reservation usual({64 * mebibyte});
    REQUIRE(usual.commit_to(mebibyte));
    CHECK_FALSE(wants_huge_pages(usual.base()));
    Reservation huge({64 * mebibyte, PageSize::huge});
    CHECK(reinterpret_cast<std::uintptr_t>(huge.base()) % (2 * mebibyte) == 0);
    REQUIRE(huge.commit_to(1));
    CHECK(wants_huge_pages(huge.base()));
    REQUIRE(huge.commit_to(64 * mebibyte));
    huge.base()[64 * mebibyte - 1] = 'x';
    CHECK(huge.base()[64 * mebibyte - 1] == 'x');
}

}  // namespace twincached::storage
