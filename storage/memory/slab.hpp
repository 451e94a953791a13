// What is known of one slab. Items are appended to it, of all sizes, and nothing in it is freed:
//
//    0            scanned                            used         slab_bytes
//    [ emptied     | item | item (dead) | item | ...  | free ..... ]
//      by a step     '--- live_bytes, live_items ---'   room, if it is open
//      of eviction        count what is not dead
//
//    free --open--> open --close--> sealed --its last item leaves--> free
//
// An open slab is appended to; a sealed one only loses items. Both stand in one of the queues,
// in the order in which they were opened, and eviction takes the oldest.
#pragma once

#include "storage/now.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace twincached::storage {

using SlabNumber = std::uint32_t;  // 0 = none

// The queues of S3-FIFO: what is new, and what has come back or was read. What is new and much
// larger than the mean has one of its own, `bulk`.
enum class Queue : std::uint8_t { fresh, main, bulk };
inline constexpr unsigned queue_count = 3;

enum class SlabState : std::uint8_t { free, open, sealed };

inline constexpr Tick no_tick = std::numeric_limits<Tick>::max();

// When the first and the last of some items expires. It may be wider than what is true of them:
// it grows with every item and is found out anew only when all of them are looked at.
struct ExpirySpan {
    Tick earliest = no_tick;  // none expires before it,
    Tick latest = 0;          // and none after it; no_tick if one never does

    void include(Tick expiry) noexcept {
        if (expiry == 0) {  // never
            latest = no_tick;
            return;
        }
        earliest = std::min(earliest, expiry);
        latest = std::max(latest, expiry);
    }
};

struct Slab {
    std::uint32_t used = 0;        // bytes appended
    std::uint32_t scanned = 0;     // bytes at the front that a step of eviction has emptied
    std::uint32_t live_bytes = 0;  // of items that are not dead; never above used - scanned
    std::uint32_t live_items = 0;  // 0 exactly if live_bytes is 0
    ExpirySpan expiries;           // of its live items
    Tick looked_at = 0;            // when its expired items were last collected
    SlabNumber older = 0;          // neighbours in its queue; see also Slabs, of absent ones
    SlabNumber newer = 0;
    std::uint32_t queued_at = 0;  // in evictions; see Slabs
    SlabState state = SlabState::free;
    Queue queue = Queue::fresh;
    std::uint8_t lifetime = 0;
    bool is_untried = false;   // became main's as it was: see QueueBalance::settle_newcomers
    bool is_sparse = false;    // stands in the list of sparse slabs
    bool is_draining = false;  // is being emptied just now: must not be freed
};

// A queue of slabs, in the order in which they were opened.
struct SlabQueue {
    SlabNumber oldest = 0;
    SlabNumber newest = 0;
    std::uint64_t bytes = 0;  // of the slabs, and of the extents of their items
};

}  // namespace twincached::storage
