#include "storage/memory/slabs.hpp"

#include "lib/allocation.hpp"

#include <bit>
#include <cassert>
#include <utility>

namespace twincached::storage {

// Number 0 means none, so that a slab's number fits where a reference is kept, and a zeroed one is
// valid.
Slabs::Slabs(MemoryShare& share, std::uint32_t slab_bytes, const AddressSpace& space)
    : share_(share),
      slab_bytes_(slab_bytes),
      slab_shift_(static_cast<unsigned>(std::countr_zero(slab_bytes))),
      memory_(space) {
    assert(std::has_single_bit(slab_bytes));
    slabs_.resize(1);
}

Slabs::~Slabs() {
    share_.give(bytes());
}

// A kept one costs nothing; one whose memory was given back costs the budget only, its number and
// its place are there; else the range grows.
SlabNumber Slabs::take() noexcept {
    if (kept_ != 0) return std::exchange(kept_, 0);
    if (!share_.take(slab_bytes_)) return 0;
    SlabNumber number = end();
    const auto grows = [&] {
        return memory_.commit_to((std::size_t{number} + 1) * slab_bytes_) &&
               lib::has_memory_for([&] { slabs_.emplace_back(); });
    };
    if (absent_ != 0) {
        number = std::exchange(absent_, slabs_[absent_].older);
    } else if (!grows()) {
        share_.give(slab_bytes_);
        return 0;
    }
    ++count_;
    return number;
}

// A slab holds items of about one lifetime, so that it dies as a whole more often than in parts.
SlabNumber Slabs::open(Queue queue, unsigned lifetime) noexcept {
    const SlabNumber number = take();
    if (number == 0) return 0;
    slabs_[number] = Slab{};
    slabs_[number].state = SlabState::open;
    slabs_[number].lifetime = static_cast<std::uint8_t>(lifetime);
    enqueue(number, queue);
    return number;
}

// REQUIRES: nothing lives in it. Its number and its place in the range stay its own.
void Slabs::free(SlabNumber number) noexcept {
    assert(slabs_[number].live_items == 0);
    dequeue(number);
    slabs_[number] = Slab{};
    // One: what eviction frees is what the next insertion needs.
    if (kept_ == 0)
        kept_ = number;
    else
        give_back(number);
}

void Slabs::give_back(SlabNumber number) noexcept {
    memory_.give_back(std::size_t{number} * slab_bytes_, slab_bytes_);
    slabs_[number].older = std::exchange(absent_, number);
    --count_;
    share_.give(slab_bytes_);
}

// For a shard that has nothing to do, while another asks for memory.
std::uint64_t Slabs::give_back_kept() noexcept {
    if (kept_ == 0) return 0;
    give_back(std::exchange(kept_, 0));
    return slab_bytes_;
}

void Slabs::move_to_queue(SlabNumber number, Queue queue) noexcept {
    dequeue(number);
    enqueue(number, queue);
}

void Slabs::move_behind(SlabNumber number, SlabNumber older, Queue queue) noexcept {
    dequeue(number);
    join(number, queue);
    SlabQueue& line = this->queue(queue);
    SlabNumber& next = older != 0 ? slabs_[older].newer : line.oldest;
    slabs_[number].older = older;
    slabs_[number].newer = next;
    (next != 0 ? slabs_[next].older : line.newest) = number;
    next = number;
}

void Slabs::join(SlabNumber number, Queue queue) noexcept {
    slabs_[number].queue = queue;
    this->queue(queue).bytes += slab_bytes_;
}

// Queues are linked through the slabs' numbers: no allocation, and a slab leaves from the middle
// when its last item has gone.
void Slabs::enqueue(SlabNumber number, Queue queue) noexcept {
    join(number, queue);
    SlabQueue& line = this->queue(queue);
    Slab& slab = slabs_[number];
    slab.queued_at = evictions_;
    slab.older = line.newest;
    slab.newer = 0;
    (line.newest != 0 ? slabs_[line.newest].newer : line.oldest) = number;
    line.newest = number;
}

void Slabs::dequeue(SlabNumber number) noexcept {
    const Slab& slab = slabs_[number];
    SlabQueue& line = queue(slab.queue);
    (slab.older != 0 ? slabs_[slab.older].newer : line.oldest) = slab.newer;
    (slab.newer != 0 ? slabs_[slab.newer].older : line.newest) = slab.older;
    line.bytes -= slab_bytes_;
}

// Only ever at the end: a slab is filled once, and compacted or freed as a whole.
Item* Slabs::append(SlabNumber number, std::uint32_t bytes) noexcept {
    Slab& slab = slabs_[number];
    assert(slab.state == SlabState::open && bytes <= room(number));
    Item* item = at(number, slab.used);
    slab.used += bytes;
    slab.live_bytes += bytes;
    ++slab.live_items;
    return item;
}

}  // namespace twincached::storage
