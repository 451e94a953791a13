#include "storage/eviction/queue_balance.hpp"

namespace twincached::storage {

namespace {

// So many times the mean size belongs to `bulk`.
constexpr std::uint64_t bulk_factor = 8;
// The bulk queue's sure part of the newcomers' share.
constexpr std::uint64_t bulk_share = 5;
// Of a ghost: that young, it would still be here had its queue been longer by a few percent.
constexpr unsigned young_age = 2;
// What main was given untried says less of what a longer main would gain: that few of it come back
// is so where keys are of lasting worth, too.
constexpr std::uint64_t weight_of_untried(std::uint64_t bytes) noexcept {
    return bytes / 3 * 2;
}
// Some 20 us each, under the shard's lock.
constexpr unsigned settled_at_once = 4;

}  // namespace

QueueBalance::QueueBalance(MemoryShare& share, Table& table, const AddressSpace& ghost_space,
                           unsigned shard_bits)
    : arena_(table.arena()),
      slabs_(table.arena().slabs()),
      index_(table.index()),
      idleness_(table.arena()),
      ghosts_(share, ghost_space, shard_bits) {}

std::uint64_t QueueBalance::newcomers_bytes() const noexcept {
    return slabs_.queue(Queue::fresh).bytes + slabs_.queue(Queue::bulk).bytes;
}

// What is written over stays in main: a write says nothing of whether anybody reads it.
Queue QueueBalance::queue_for(std::uint64_t hash, const Item* old, std::uint64_t bytes,
                              Tick now) noexcept {
    if (old != nullptr)
        return arena_.queue_of(*old) == Queue::main ? Queue::main : queue_for_newcomer(bytes);
    idleness_.note(now, index_.items());
    const auto ghost = ghosts_.recall(hash);
    if (!ghost) return queue_for_newcomer(bytes);
    const bool is_wanted = ghost->left_main || !outlives_main(*ghost, now);
    if (ghost->age < young_age)
        share_.count_return(ghost->left_main ? Side::main : Side::newcomers, is_wanted,
                            slabs_.queued_bytes());
    const bool is_large = is_larger_than_mean(bytes, much_larger);
    return ghost->left_main || is_large || !is_wanted ? queue_for_newcomer(bytes) : Queue::main;
}

Queue QueueBalance::queue_for_newcomer(std::uint64_t bytes) const noexcept {
    return is_larger_than_mean(bytes, bulk_factor) ? Queue::bulk : Queue::fresh;
}

// Was it away for longer than main's oldest have not been read? How long it was is known to a
// fifth, so it must be clearly less: else a loop would displace itself by chance. While the
// newcomers have more than their share, main has room for anybody. The time that it spent among the
// newcomers, before it was evicted, was about as many evictions as they are items.
bool QueueBalance::outlives_main(const Ghost& ghost, Tick now) noexcept {
    const SlabNumber oldest = slabs_.queue(Queue::main).oldest;
    const std::uint64_t all = slabs_.queued_bytes();
    const std::uint64_t newcomers = newcomers_bytes();
    if (oldest == 0 || newcomers > share_.of(all) * 6 / 5 + slabs_.slab_bytes()) return false;
    const std::uint64_t stay =
        index_.items() * (newcomers / slabs_.slab_bytes()) / (all / slabs_.slab_bytes() + 1);
    const std::uint64_t away = ghosts_.remembered_since(ghost) + stay;
    return away + away / 2 > idleness_.of_oldest(now, index_.items());
}

void QueueBalance::count_eviction(const Item& item, std::uint64_t hash) noexcept {
    const Slab& slab = slabs_[slabs_.slab_of(&item)];
    const bool left_main = slab.queue == Queue::main;
    ghosts_.remember(hash, left_main);
    slabs_.count_eviction();
    const std::uint64_t bytes = item.slab_bytes() + arena_.extent_bytes(item);
    share_.count_eviction(left_main ? Side::main : Side::newcomers,
                          slab.is_untried ? weight_of_untried(bytes) : bytes,
                          slabs_.queued_bytes());
}

// Only what is sealed: an open one would take its room along. Some for each that is evicted, so
// that most of what came first is there when it comes back; not all at once, for the lock is held.
void QueueBalance::settle_newcomers() noexcept {
    for (unsigned i = 0; i < settled_at_once && share_.is_settling(); ++i) {
        SlabNumber oldest = slabs_.queue(Queue::fresh).oldest;
        while (oldest != 0 && slabs_[oldest].state != SlabState::sealed)
            oldest = slabs_[oldest].newer;
        if (oldest != 0 && newcomers_bytes() > share_.of(slabs_.queued_bytes()))
            make_main(oldest);
        else
            share_.settled();
    }
}

void QueueBalance::make_main(SlabNumber number) noexcept {
    const Slab& slab = slabs_[number];
    for (std::uint32_t offset = slab.scanned; offset < slab.used;) {
        const Item& item = *slabs_.at(number, offset);
        offset += item.slab_bytes();
        if (!item.is_dead() && item.is_large()) arena_.move_extent(item, slab.queue, Queue::main);
    }
    // In front of all that has proved its worth, for that is to stay longer.
    const Slab& last = slabs_[last_untried_];
    const bool is_there = last.is_untried && last.queue == Queue::main;
    slabs_.move_behind(number, is_there ? last_untried_ : 0, Queue::main);
    slabs_[number].is_untried = true;
    last_untried_ = number;
}

SlabNumber QueueBalance::victim() const noexcept {
    const SlabQueue& fresh = slabs_.queue(Queue::fresh);
    const SlabQueue& bulk = slabs_.queue(Queue::bulk);
    const SlabQueue& main = slabs_.queue(Queue::main);
    const std::uint64_t newcomers = newcomers_bytes();
    if (main.oldest != 0 && newcomers <= share_.of(slabs_.queued_bytes())) return main.oldest;
    if (fresh.oldest == 0 && bulk.oldest == 0) return main.oldest;
    const bool bulk_is_over = bulk.bytes * bulk_share > newcomers;
    return bulk_is_over ? bulk.oldest : fresh.oldest;
}

}  // namespace twincached::storage
