#include "storage/memory/open_slabs.hpp"

#include "lib/allocation.hpp"

#include <algorithm>
#include <cassert>

namespace twincached::storage {

namespace {

// So few slabs may be open at once that what is still empty in them does not matter.
constexpr std::uint64_t open_share = 8;
constexpr unsigned open_least = 2;
// With less than half alive, more of a slab is had than must be copied.
constexpr std::uint32_t sparse_share = 2;

}  // namespace

unsigned OpenSlabs::lifetime_for(Queue queue, unsigned own) const noexcept {
    const auto& open = open_[static_cast<unsigned>(queue)];
    if (open[own] != 0) return own;
    if (count_ < std::max<std::uint64_t>(open_least, slabs_.count() / open_share)) return own;
    for (unsigned longer = own + 1; longer < lifetime_count; ++longer)
        if (open[longer] != 0) return longer;
    for (unsigned shorter = own; shorter-- > 0;)
        if (open[shorter] != 0) return shorter;
    return own;
}

SlabNumber OpenSlabs::with_room(const Placement& placement) noexcept {
    const unsigned lifetime = lifetime_for(placement.queue, placement.lifetime);
    const SlabNumber open = open_slab(placement.queue, lifetime);
    if (open != 0 && slabs_.room(open) >= placement.bytes) return open;
    const SlabNumber fresh = slabs_.open(placement.queue, lifetime);
    if (fresh != 0) make_open(fresh);
    return fresh;
}

void OpenSlabs::make_open(SlabNumber number) noexcept {
    Slab& slab = slabs_[number];
    const SlabNumber before = open_slab(slab.queue, slab.lifetime);
    if (before != 0) close(before);
    slab.state = SlabState::open;
    open_slab(slab.queue, slab.lifetime) = number;
    ++count_;
    if (before != 0) settle(before);
}

void OpenSlabs::close(SlabNumber number) noexcept {
    Slab& slab = slabs_[number];
    assert(open_slab(slab.queue, slab.lifetime) == number);
    slab.state = SlabState::sealed;
    open_slab(slab.queue, slab.lifetime) = 0;
    --count_;
}

void OpenSlabs::settle(SlabNumber number) noexcept {
    Slab& slab = slabs_[number];
    if (slab.is_draining) return;
    if (slab.live_items == 0) {
        if (slab.state == SlabState::sealed) {
            slabs_.free(number);
        } else {
            slab.used = slab.scanned = 0;
            slab.expiries = {};
        }
        return;
    }
    if (slab.state != SlabState::sealed || slab.is_sparse) return;
    if (slab.live_bytes >= slabs_.slab_bytes() / sparse_share) return;
    // Without memory to note it, it waits for its turn like any other.
    slab.is_sparse = lib::has_memory_for([&] { sparse_.push_back(number); });
}

SlabNumber OpenSlabs::take_sparse() noexcept {
    while (!sparse_.empty()) {
        const SlabNumber number = sparse_.back();
        sparse_.pop_back();
        if (!slabs_[number].is_sparse) continue;
        slabs_[number].is_sparse = false;
        if (slabs_[number].state == SlabState::sealed) return number;
    }
    return 0;
}

}  // namespace twincached::storage
