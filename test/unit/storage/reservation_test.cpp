#include "storage/memory/reservation.hpp"

#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

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

// Asked of the system, for whoever looked by himself would end there.
bool is_readable(const char* address) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const auto written = ::write(ends[1], address, 1);
    for (const int end : ends)
        ::close(end);
    return written == 1;
}

std::size_t resident_pages(char* begin, std::size_t pages) {
    std::vector<unsigned char> flags(pages);
    REQUIRE(::mincore(begin, pages * page_bytes, flags.data()) == 0);
    return static_cast<std::size_t>(
        std::count_if(flags.begin(), flags.end(), [](unsigned char flag) { return flag & 1U; }));
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

TEST_CASE("memory is committed by the mebibyte, none of it ahead and none beyond the end") {
    constexpr std::size_t size = 2 * mebibyte + mebibyte / 2;
    Reservation memory({size});
    REQUIRE(memory.commit_to(1));
    CHECK(is_readable(memory.base() + mebibyte - 1));
    CHECK_FALSE(is_readable(memory.base() + mebibyte));
    REQUIRE(memory.commit_to(mebibyte));
    CHECK_FALSE(is_readable(memory.base() + mebibyte));
    REQUIRE(memory.commit_to(mebibyte + 1));
    CHECK(is_readable(memory.base() + 2 * mebibyte - 1));
    CHECK_FALSE(is_readable(memory.base() + 2 * mebibyte));
    CHECK_FALSE(memory.commit_to(size + 1));
    REQUIRE(memory.commit_to(size));
    CHECK(is_readable(memory.base() + size - 1));
}

TEST_CASE("memory is found for a populated range before it is written, and for no other") {
    Reservation memory({64 * mebibyte});
    REQUIRE(memory.commit_to(mebibyte));
    memory.base()[40 * page_bytes] = 'x';
    memory.populate(32 * page_bytes + 100, 16 * page_bytes);
    const auto found = resident_pages(memory.base() + 32 * page_bytes, 17);
    if (found == 1) return;  // the system is older than Linux 5.14
    CHECK(found == 17);
    CHECK(resident_pages(memory.base(), 64) == 17);
    CHECK(memory.base()[40 * page_bytes] == 'x');
    CHECK(memory.base()[41 * page_bytes] == 0);
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

TEST_CASE("locked memory is resident where it was written, and no more once it was given back") {
    constexpr std::size_t pages = mebibyte / page_bytes;
    Reservation memory({64 * mebibyte, PageSize::usual, true});
    REQUIRE(memory.commit_to(4 * mebibyte));
    CHECK(resident_pages(memory.base(), 4 * pages) == 0);
    std::fill_n(memory.base(), 2 * mebibyte, 'x');
    CHECK(resident_pages(memory.base(), 4 * pages) == 2 * pages);
    memory.give_back(mebibyte / 2, mebibyte);
    CHECK(resident_pages(memory.base(), 4 * pages) == pages);
    CHECK(memory.base()[mebibyte] == 0);
    memory.base()[mebibyte] = 'y';
    CHECK(resident_pages(memory.base(), 4 * pages) == pages + 1);
}

TEST_CASE("it is known beforehand whether there is address space") {
    CHECK(Reservation::is_to_be_had(64 * mebibyte));
    CHECK_FALSE(Reservation::is_to_be_had(std::size_t{1} << 62));
}

}  // namespace twincached::storage
