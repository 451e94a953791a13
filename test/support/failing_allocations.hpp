// Memory that is not to be had: what operator new is asked for on this thread fails from a chosen
// request on, for as long as one of these lives. A test that goes through all numbers meets every
// allocation of what it does:
//
//     for (std::uint64_t nth = 1;; ++nth) {
//         FailingAllocations failing(nth);       // the nth fails, and so does each that follows,
//         ... what is tested ...                 // or that one alone
//         if (!failing.has_failed()) break;
//     }
//
// Whoever is to be left alone meanwhile, such as a test's own doubles, holds an AllocationsSucceed;
// what is tested and called by them, an AllocationsMayFail.
// Link test_support into the test's program. One per thread at a time.
#pragma once

#include <cstdint>

namespace twincached {

class FailingAllocations {
  public:
    enum class Kind : std::uint8_t { once, from_then_on };

    explicit FailingAllocations(std::uint64_t nth, Kind kind = Kind::once) noexcept;
    ~FailingAllocations();
    FailingAllocations(const FailingAllocations&) = delete;
    FailingAllocations& operator=(const FailingAllocations&) = delete;

    bool has_failed() const noexcept;
};

class AllocationsSucceed {
  public:
    AllocationsSucceed() noexcept;
    ~AllocationsSucceed();
    AllocationsSucceed(const AllocationsSucceed&) = delete;
    AllocationsSucceed& operator=(const AllocationsSucceed&) = delete;
};

// Within AllocationsSucceed, as if there were none of those.
class AllocationsMayFail {
  public:
    AllocationsMayFail() noexcept;
    ~AllocationsMayFail();
    AllocationsMayFail(const AllocationsMayFail&) = delete;
    AllocationsMayFail& operator=(const AllocationsMayFail&) = delete;

  private:
    unsigned spared_;
};

}  // namespace twincached
