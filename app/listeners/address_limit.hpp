// How many connections each address has, and how many it may have, so that one client cannot
// take every place. Of an IPv6 address the network of 64 bits counts: its host draws the rest as
// often as it likes (RFC 8981). Counts are kept also while there is no limit, for one may be set at
// a reload. Any thread. Holds an entry per address that is connected, so no more than there are
// connections.
#pragma once

#include "app/addresses/client_address.hpp"
#include "lib/mutex.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <map>

namespace twincached::app {

class AddressLimit {
  public:
    // 0: no limit.
    void set_most(std::uint64_t most) noexcept { most_.store(most, std::memory_order_relaxed); }

    // False, and counted, if this address has all that it may have. Throws std::bad_alloc.
    bool take(const ClientAddress& client);
    // REQUIRES: taken before.
    void give_back(const ClientAddress& client) noexcept;

    std::uint64_t rejected() const noexcept { return rejected_.load(std::memory_order_relaxed); }
    void reset_counts() noexcept { rejected_.store(0, std::memory_order_relaxed); }

  private:
    using Address = std::array<unsigned char, 17>;  // the family, then the address
    static Address key_of(const ClientAddress& client) noexcept;

    std::atomic<std::uint64_t> most_{0};
    std::atomic<std::uint64_t> rejected_{0};
    lib::Mutex mutex_;
    std::map<Address, std::uint64_t> connections_ GUARDED_BY(mutex_);
};

}  // namespace twincached::app
