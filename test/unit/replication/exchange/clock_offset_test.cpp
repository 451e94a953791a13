#include "replication/records/clock_offset.hpp"

#include <catch2/catch.hpp>

namespace twincached::replication::pair {

TEST_CASE(
    "an item lives no shorter on this node than on the other, and less than a second longer") {
    for (const std::uint64_t phase : {0U, 1U, 499U, 500U, 501U, 999U}) {
        for (const std::uint64_t delay : {0U, 1U, 30U}) {
            INFO("our clock is " << phase << " ms into a second more, messages take " << delay);
            constexpr std::uint64_t peer_now = 500'000;
            const std::uint64_t ahead = 70'000 + phase;
            ClockOffset offset;
            offset.observe(peer_now, peer_now + ahead + delay);
            constexpr std::uint64_t peer_expiry = peer_now + 1000;
            const auto expiry = offset.to_expiry(peer_expiry);
            // In our milliseconds: when the other node lets it go, and when we do.
            const auto there = peer_expiry + ahead;
            const auto here = std::uint64_t{expiry.raw()} * 1000;
            CHECK(here >= there);
            CHECK(here < there + 1000 + delay);
        }
    }
}

TEST_CASE("what lives for ever does so on both nodes") {
    CHECK(ClockOffset().to_expiry(0).is_never());
}

}  // namespace twincached::replication::pair
