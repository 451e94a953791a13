#include "storage/eviction/main_idleness.hpp"

#include <algorithm>

namespace twincached::storage {

namespace {

// Items of the slab that are looked at: were they all read of late, so were most of the others.
constexpr unsigned sample = 64;
// So often in a turn of the memory, at most, unless another slab is the oldest.
constexpr std::uint64_t samples_per_turn = 64;

}  // namespace

void MainIdleness::add(Tick now) noexcept {
    noted_at_ = slabs().evictions();
    notes_[next_] = {now, noted_at_};
    next_ = (next_ + 1) % note_count;
}

std::uint32_t MainIdleness::of_oldest(Tick now, std::uint64_t items) noexcept {
    const SlabNumber oldest = slabs().queue(Queue::main).oldest;
    const std::uint32_t since = slabs().evictions() - found_out_at_;
    if (oldest == of_ && since < items / samples_per_turn) return idle_;
    add(now);
    of_ = oldest;
    found_out_at_ = slabs().evictions();
    idle_ = find_out(oldest);
    return idle_;
}

// In main, a frequency of 0 means that it was not read since; so most often one look is enough.
std::uint32_t MainIdleness::find_out(SlabNumber slab) const noexcept {
    const std::uint32_t queued = slabs().evictions_since_queued(slab);
    std::uint32_t longest = 0;
    std::uint32_t offset = slabs()[slab].scanned;
    for (unsigned i = 0; i < sample && offset < slabs()[slab].used && longest < queued; ++i) {
        const Item& item = *slabs().at(slab, offset);
        offset += item.slab_bytes();
        if (item.is_dead()) continue;
        longest = item.frequency() == 0
                      ? queued
                      : std::max(longest, evictions_since(item.last_access(), queued));
    }
    return longest;
}

// From the latest note of an earlier second on. Beyond the notes, it is as long as can be.
std::uint32_t MainIdleness::evictions_since(Tick second, std::uint32_t most) const noexcept {
    for (std::size_t back = 1; back <= note_count; ++back) {
        const Note& note = notes_[(next_ + note_count - back) % note_count];
        if (note.second < second) return std::min(most, slabs().evictions() - note.evictions);
    }
    return most;
}

}  // namespace twincached::storage
