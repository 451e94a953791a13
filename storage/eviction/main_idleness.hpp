// For how long the items of main's oldest slab have not been read, counted in evictions, as the
// time that a ghost was away is. A key that was away for longer is asked for less often than all of
// them, and must not take their place.
//
// An item knows the second in which it was read last, not the eviction. So it is noted, about 16
// times in a turn of the memory, which second it was at which eviction:
//
//    second      ... 1000   1003   1003   1007 ...        read last in 1003: no more than
//    evictions   ... 5200   5700   6200   6700 ...  now   evictions() - 5200 ago
//
// What was read in the second in which a note was made may have been read before it; so where a
// turn of the memory takes seconds only, items seem idle since their slab was queued, which is no
// worse than not to know. Owned by QueueBalance; guarded by the shard's lock.
#pragma once

#include "storage/memory/arena.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace twincached::storage {

class MainIdleness {
  public:
    explicit MainIdleness(const Arena& arena) noexcept : arena_(arena) {}

    // To be called at every insertion. `items`: how many there are, which make a turn.
    void note(Tick now, std::uint64_t items) noexcept {
        if (slabs().evictions() - noted_at_ >= items / notes_per_turn) add(now);
    }
    // The longest of some of them. It is found out anew when another slab is the oldest, and now
    // and then. REQUIRES: main is not empty.
    std::uint32_t of_oldest(Tick now, std::uint64_t items) noexcept;

  private:
    struct Note {
        Tick second = 0;
        std::uint32_t evictions = 0;
    };
    static constexpr unsigned notes_per_turn = 16;
    static constexpr std::size_t note_count = 64;

    const Slabs& slabs() const noexcept { return arena_.slabs(); }
    void add(Tick now) noexcept;
    std::uint32_t find_out(SlabNumber slab) const noexcept;
    std::uint32_t evictions_since(Tick second, std::uint32_t most) const noexcept;

    const Arena& arena_;
    std::array<Note, note_count> notes_{};  // a ring
    std::size_t next_ = 0;
    std::uint32_t noted_at_ = 0;  // when the latest was made, in evictions
    SlabNumber of_ = 0;           // of which slab the following was found out,
    std::uint32_t found_out_at_ = 0;
    std::uint32_t idle_ = 0;
};

}  // namespace twincached::storage
