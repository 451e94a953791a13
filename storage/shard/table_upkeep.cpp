// What a table does in the background, in bounded steps, and what it says of itself.

#include "storage/shard/table.hpp"

#include <algorithm>

namespace twincached::storage {

namespace {

constexpr unsigned buckets_per_step = 128;
constexpr unsigned ghost_lines_per_step = 256;
// How many slabs' books are looked through in one step, and how many items for an age.
constexpr unsigned slabs_per_step = 1024;
constexpr unsigned items_for_age = 256;
// Looking through a slab costs some 20 us: not every second for every expiry.
constexpr Tick pause_ticks = 2;

}  // namespace

bool Table::upkeep(Tick now) noexcept {
    ++upkeep_steps_;
    index_.adjust();
    index_.step(buckets_per_step, [&](Ref ref) { return hash_of(*slabs_.at(ref)); });
    ghosts_.step(ghost_lines_per_step);
    publish_bytes();
    return collect_next(now) || index_.is_moving();
}

bool Table::is_due(const Slab& slab, Tick now) const noexcept {
    if (slab.state == SlabState::free || slab.earliest > now) return false;
    return slab.latest <= now || now >= slab.looked_at + pause_ticks;
}

// One slab that holds something expired or flushed, if there is any within the next few. True if
// the pass is not over.
bool Table::collect_next(Tick now) noexcept {
    if (collect_ == 0 && sweep_ == 0 && now < next_due_) return false;
    if (collect_ == 0) {
        collect_ = 1;
        pass_due_ = no_tick;
    }
    for (unsigned i = 0; i < slabs_per_step && collect_ < slabs_.end(); ++i) {
        const SlabNumber number = collect_++;
        // A flush during a pass is swept by the next one, which begins where the sweep does.
        const bool flushed = sweep_ == number;
        if (flushed) ++sweep_;
        const bool look =
            slabs_[number].state != SlabState::free && (flushed || is_due(slabs_[number], now));
        if (look) {
            Drain job;
            job.slab = number;
            job.purpose = Purpose::collect;
            job.now = now;
            drain(job);
        }
        pass_due_ = std::min(pass_due_, slabs_[number].earliest);
        if (look) return true;
    }
    if (collect_ < slabs_.end()) return true;
    collect_ = 0;
    next_due_ = std::max(pass_due_, now + 1);
    if (sweep_ >= slabs_.end()) sweep_ = 0;
    return sweep_ != 0;
}

void Table::add_to(StoreStats& stats, Tick now) const noexcept {
    for (unsigned id = 0; id < size_class_limit; ++id)
        stats.classes[id] += stats_[id];
    for (const Queue queue : {Queue::fresh, Queue::main})
        add_ages(stats, queue, now);
    stats.items_ever += items_ever_;
    stats.slab_bytes += slabs_.bytes();
    stats.index_bytes += index_.bytes();
    stats.ghost_bytes += ghosts_.bytes();
    stats.slabs += slabs_.count();
    stats.upkeep_steps += upkeep_steps_;
    stats.bytes_copied_forward += copied_bytes_;
    stats.direct_reclaims += direct_reclaims_;
    stats.compacted_slabs += compacted_slabs_;
    stats.rescued += rescued_;
    stats.kept_slabs += slabs_.kept();
    stats.index_is_growing |= index_.is_moving();
}

// The oldest slab of a queue holds the items that were not read for longest, or nearly.
void Table::add_ages(StoreStats& stats, Queue queue, Tick now) const noexcept {
    const SlabNumber number = slabs_.queue(queue).oldest;
    if (number == 0) return;
    std::uint32_t offset = slabs_[number].scanned;
    for (unsigned i = 0; i < items_for_age && offset < slabs_[number].used; ++i) {
        const Item& item = *slabs_.at(number, offset);
        offset += item.slab_bytes();
        if (item.is_dead()) continue;
        ClassStats& to = stats.classes[context_.classes.of(accounted(item))];
        const std::uint64_t age = now - std::min(now, item.last_access());
        auto& oldest = queue == Queue::fresh ? to.oldest_fresh : to.oldest_age;
        oldest = std::max(oldest, age);
    }
}

void Table::reset_stats() noexcept {
    for (ClassStats& stats : stats_) {
        ClassStats kept;
        kept.items = stats.items;
        kept.bytes = stats.bytes;
        stats = kept;
    }
    items_ever_ = 0;
    upkeep_steps_ = 0;
    copied_bytes_ = 0;
    direct_reclaims_ = 0;
    compacted_slabs_ = 0;
    rescued_ = 0;
}

}  // namespace twincached::storage
