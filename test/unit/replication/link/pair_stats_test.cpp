// What a node says at its end of what its peer does not have.
#include "replication/pair/link/pair_stats.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached::replication::pair;

namespace {

PairReport report_of(std::uint64_t unacked, std::uint64_t dirty, std::uint64_t walking = 0) {
    PairReport report;
    report.peer = "host-b:11212";
    report.exchange.unacked = unacked;
    report.exchange.dirty_buckets = dirty;
    report.exchange.walking_buckets = walking;
    return report;
}

}  // namespace

TEST_CASE("what is left behind is told with its number and the peer, and nothing is not told") {
    CHECK(left_behind(report_of(0, 0), 100).empty());
    CHECK(left_behind(report_of(2000, 0), 100) ==
          "stopping with what host-b:11212 has not confirmed: 2000 changes; lost, unless "
          "memory-file brings it back");
    CHECK(left_behind(report_of(2, 10, 5), 100) ==
          "stopping with what host-b:11212 has not confirmed: 2 changes and what 15 of 65536 "
          "buckets hold; lost, unless memory-file brings it back");
    // A peer that was never met, and an empty node: nobody misses anything.
    CHECK(left_behind(report_of(0, 65536), 0).empty());
    CHECK(left_behind(report_of(0, 65536), 1).find("what 65536 of 65536 buckets hold") !=
          std::string::npos);
    CHECK(left_behind(report_of(1, 65536), 0).find(": 1 changes;") != std::string::npos);
}
