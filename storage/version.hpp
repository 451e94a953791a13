// The version of an item: what orders conflicting writes on up to four nodes, and, cut to 53 bits,
// the CAS unique that clients see. A hybrid logical clock: it follows the wall clock where it can
// and counts where it must.
//
//   63                    23 22        13 12  11 10            2 1      0
//   [ ms since 2025 : 41   ][ count : 10 ][ node ][ touches : 9 ][ toucher ]
//   '------------ t : 51 ---------------'
//   '------------ CAS unique : 53 -------------'
#pragma once

#include <algorithm>
#include <cstdint>

namespace twincached::storage {

using Version = std::uint64_t;  // 0 = none

constexpr std::uint64_t cas_of(Version version) noexcept {
    return version >> 11;
}
constexpr std::uint64_t time_of(Version version) noexcept {
    return version >> 13;
}
constexpr unsigned node_of(Version version) noexcept {
    return static_cast<unsigned>(version >> 11) & 3U;
}
// The write that a touched version descends from.
constexpr Version write_of(Version version) noexcept {
    return version & ~Version{0x7FF};
}

// Newer than that, and any touch of it, and older than any other write.
constexpr Version last_touch_of(Version version) noexcept {
    return version | Version{0x7FF};
}

// Who made it: the node that wrote it, or the one that touched it last.
constexpr unsigned origin_of(Version version) noexcept {
    const bool is_touched = ((version >> 2) & 0x1FF) != 0;
    return is_touched ? static_cast<unsigned>(version & 3U) : node_of(version);
}

// The last time that a version from outside may tell of: what a clock says now, and so much more,
// both in ms since 2025. Saturates.
constexpr std::uint64_t last_time(std::uint64_t now_ms, std::uint64_t ahead_ms) noexcept {
    constexpr std::uint64_t most_ms = (std::uint64_t{1} << 41) - 1;
    const auto rest = most_ms - std::min(now_ms, most_ms);
    return (std::min(now_ms, most_ms) + std::min(ahead_ms, rest)) << 10;
}

// What is believed of versions that came over a wire or out of a file: nothing newer than so long
// after this node's own clock. One that is believed is taken over by the clock, for good; the last
// that 64 bits can hold would leave no version for any write to come.
class VersionGate {
  public:
    // Both in milliseconds; `now_ms` on the clock of versions.
    constexpr VersionGate(std::uint64_t now_ms, std::uint64_t ahead_ms) noexcept
        : last_time_(last_time(now_ms, ahead_ms) | 0x3FF) {}

    constexpr bool admits_time(std::uint64_t time) const noexcept { return time <= last_time_; }
    // Of what is remembered, a floor or a flush; 0 is none.
    constexpr bool admits(Version version) const noexcept { return admits_time(time_of(version)); }
    // Of what is stored: none has the CAS unique 0.
    constexpr bool admits_item(Version version) const noexcept {
        return cas_of(version) != 0 && admits(version);
    }

    // The newest that it admits.
    constexpr Version last() const noexcept { return (last_time_ << 13) | 0x1FFF; }

  private:
    std::uint64_t last_time_;
};

// What a clock that counts, of a node alone, has to pass so that it never gives a CAS unique again
// that a hybrid clock has given up to that time.
constexpr std::uint64_t count_after(std::uint64_t hybrid_time) noexcept {
    return (hybrid_time << 2) | 3;
}

// What has led versions: a clock that was so far ahead, all the time alike or nearly so, and is set
// right now, at `right_ms`, which is not 0. Corrected, a version is what the right one would have
// given: it keeps its place among the others, and among those of nodes whose clocks were right, and
// is older than what is given from now on.
struct ClockLead {
    std::uint64_t right_ms;
    std::uint64_t lead_ms;

    constexpr Version corrected(Version version) const noexcept {
        if (version >> 23 <= right_ms) return version;
        const auto behind = version & 0x7F'FFFF;
        const auto ms = std::max<std::uint64_t>(version >> 23, lead_ms + 1) - lead_ms;
        return std::min(ms, right_ms - 1) << 23 | behind;
    }
};

// One per shard, guarded by the shard's lock. Two shards may issue equal versions: a CAS unique
// need only be unique per key, and a key lives in one shard.
class VersionClock {
  public:
    // For a node with others: hybrid time, with the node's number (0 to 3) in every version.
    static VersionClock hybrid(unsigned node) noexcept { return VersionClock(node, true); }
    // For a node alone: 1, 2, 3, ... as memcached counts.
    static VersionClock counter() noexcept { return VersionClock(0, false); }

    // At the end of its time it stands still: it never begins again at 0.
    Version next_write(std::uint64_t now_ms) noexcept {
        if (time_ < last_time()) ++time_;
        if (!hybrid_) return time_ << 11;
        if (lead_ms_ != 0) now_ms = without_lead(now_ms);
        time_ = std::max(time_, std::min(now_ms, last_time() >> 10) << 10);
        return ((time_ << 2) | node_) << 11;
    }

    // A newer version with the same CAS unique; after 511 touches a write's version.
    Version next_touch(Version item, std::uint64_t now_ms) noexcept {
        const Version touches = (item >> 2) & 0x1FF;
        if (touches == 0x1FF) return next_write(now_ms);
        return write_of(item) | ((touches + 1) << 2) | node_;
    }

    // Whatever has been seen is in the past from now on.
    void observe(Version version) noexcept {
        if (hybrid_) time_ = std::max(time_, time_of(version));
    }

    // The same in either form of clock: a flush must be in the past of every shard.
    void pass(Version version) noexcept { pass_time(hybrid_ ? time_of(version) : cas_of(version)); }
    void pass_time(std::uint64_t time) noexcept {
        time_ = std::max(time_, std::min(time, last_time()));
    }

    // Forgets what it has seen, and counts on from `right_ms`, though the node's clock may say
    // `now_ms`, and go on from there, until it is set back. What it has given a version is older
    // only once that is corrected (ClockLead).
    void restart(std::uint64_t right_ms, std::uint64_t now_ms) noexcept {
        time_ = 0;
        lead_ms_ = now_ms > right_ms ? now_ms - right_ms : 0;
        set_back_below_ms_ = now_ms - lead_ms_ / 2;
    }

    std::uint64_t time() const noexcept { return time_; }

  private:
    // A count has the bits of the CAS unique, a time two less.
    std::uint64_t last_time() const noexcept {
        return (std::uint64_t{1} << (hybrid_ ? 51 : 53)) - 1;
    }

    std::uint64_t without_lead(std::uint64_t now_ms) noexcept {
        if (now_ms >= set_back_below_ms_) return now_ms - lead_ms_;
        lead_ms_ = 0;
        return now_ms;
    }

    VersionClock(unsigned node, bool hybrid) noexcept : node_(node & 3U), hybrid_(hybrid) {}

    std::uint64_t time_ = 0;
    std::uint64_t lead_ms_ = 0;  // of the node's clock, after a restart; mostly 0
    std::uint64_t set_back_below_ms_ = 0;
    unsigned node_;
    bool hybrid_;
};

}  // namespace twincached::storage
