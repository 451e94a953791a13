// What the node that asks does with the record of an OUTCOME: as with any that the peer sends (rule
// A1), before anybody is told of it. A seam of two functions, which the exchange fills: the room
// here knows neither its frames nor its windows. The replication thread.
#pragma once

#include "replication/records/data_frames.hpp"
#include "storage/exptime.hpp"
#include "storage/now.hpp"

#include <cstdint>

namespace twincached::replication::pair {

class PeersWord {
  public:
    virtual ~PeersWord() = default;
    // False: its version is not to be believed, and nothing was done.
    [[nodiscard]] virtual bool apply(const WireRecord& record, const storage::Now& now) = 0;
    // A time on the peer's steady clock, which told `peer_now_ms` a moment ago.
    virtual void observe(std::uint64_t peer_now_ms, const storage::Now& now) noexcept = 0;
    virtual storage::Expiry to_expiry(std::uint64_t peer_ms) const noexcept = 0;
};

}  // namespace twincached::replication::pair
