// The load generator counts what another process' threads have used.
#include "test/bench/load/process_sample.hpp"

#include <catch2/catch.hpp>

#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <thread>

namespace twincached::load {
namespace {

constexpr std::uint64_t work_ns = 20'000'000;

void work() {
    timespec spent{};
    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    } while (spent.tv_sec == 0 && static_cast<std::uint64_t>(spent.tv_nsec) < work_ns);
}

}  // namespace

// yrmcds makes room in a thread that ends: what it had used was taken off the rest.
TEST_CASE("what a thread has used still counts when it has ended") {
    const auto before = sample_process(getpid());
    std::thread(work).join();
    const auto after = sample_process(getpid());
    CHECK(after.cpu_ns >= before.cpu_ns + work_ns);
    CHECK(after.resident_kib > 0);
}

TEST_CASE("a process that is not there has used nothing") {
    constexpr int beyond_all = (1 << 22) + 1;  // Linux gives no greater number than 2^22
    const auto nobody = sample_process(beyond_all);
    CHECK(nobody.cpu_ns == 0);
    CHECK(nobody.resident_kib == 0);
}

}  // namespace twincached::load
