#include "storage/exptime.hpp"

#include <algorithm>

namespace twincached::storage {

// Beyond the clock's 136 years is as good as never, but is kept as its last second.
Expiry Expiry::from_exptime(std::int64_t exptime, const Now& now) noexcept {
    if (exptime == 0) return never();
    if (exptime < 0) return past();
    const std::int64_t left =
        exptime <= relative_exptime_limit ? exptime : exptime - now.unix_seconds;
    if (left <= 0) return past();
    constexpr std::int64_t last = std::numeric_limits<Tick>::max();
    return at(static_cast<Tick>(std::min(last, now.tick() + left)));
}

}  // namespace twincached::storage
