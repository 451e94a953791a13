// What a client calls exptime, and what an item keeps: a tick of the node's own clock.
// Source: memcached doc/protocol.txt, "Expiration times".
#pragma once

#include "storage/now.hpp"

#include <cstdint>
#include <limits>
#include <optional>

namespace twincached::storage {

class Expiry {
  public:
    constexpr Expiry() noexcept = default;  // never
    static constexpr Expiry never() noexcept { return Expiry(0); }
    static constexpr Expiry past() noexcept { return Expiry(past_tick); }
    static constexpr Expiry at(Tick tick) noexcept {
        return Expiry(tick < past_tick ? past_tick : tick);
    }
    static constexpr Expiry from_raw(Tick raw) noexcept { return Expiry(raw); }

    // 0 = never; negative = already past; up to 30 days = seconds from now; larger = Unix time,
    // converted here, once, so that a later step of the wall clock does not move it.
    static Expiry from_exptime(std::int64_t exptime, const Now& now) noexcept;

    constexpr bool is_never() const noexcept { return raw_ == 0; }
    constexpr bool is_past(Tick now) const noexcept { return raw_ != 0 && raw_ <= now; }
    constexpr Tick raw() const noexcept { return raw_; }

    // Seconds left, none for never. 0 for what is past.
    constexpr std::optional<std::uint32_t> seconds_left(Tick now) const noexcept {
        if (raw_ == 0) return std::nullopt;
        return raw_ > now ? raw_ - now : 0;
    }

    friend constexpr bool operator==(Expiry, Expiry) noexcept = default;

  private:
    explicit constexpr Expiry(Tick raw) noexcept : raw_(raw) {}
    Tick raw_ = 0;
};

inline constexpr std::int64_t relative_exptime_limit = 60LL * 60 * 24 * 30;

}  // namespace twincached::storage
