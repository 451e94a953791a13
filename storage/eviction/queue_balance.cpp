#include "storage/eviction/queue_balance.hpp"

namespace twincached::storage {

namespace {

// So many times the mean size belongs to `bulk`.
constexpr std::uint64_t bulk_factor = 8;
// The bulk queue's sure part of the newcomers' share.
constexpr std::uint64_t bulk_share = 5;
// Of a ghost: that young, it would still be here had its queue been longer by a few percent.
constexpr unsigned young_age = 2;

}  // namespace

QueueBalance::QueueBalance(MemoryShare& share, Table& table, const AddressSpace& ghost_space,
                           unsigned shard_bits)
    : arena_(table.arena()),
      slabs_(table.arena().slabs()),
      index_(table.index()),
      ghosts_(share, ghost_space, shard_bits) {}

std::uint64_t QueueBalance::newcomers_bytes() const noexcept {
    return slabs_.queue(Queue::fresh).bytes + slabs_.queue(Queue::bulk).bytes;
}

// What is written over stays in main: a write says nothing of whether anybody reads it.
Queue QueueBalance::queue_for(std::uint64_t hash, const Item* old, std::uint64_t bytes) noexcept {
    if (old != nullptr)
        return arena_.queue_of(*old) == Queue::main ? Queue::main : queue_for_newcomer(bytes);
    const auto ghost = ghosts_.recall(hash);
    if (!ghost) return queue_for_newcomer(bytes);
    if (ghost->age < young_age)
        share_.count_return(ghost->left_main ? Side::main : Side::newcomers, slabs_.queued_bytes());
    if (ghost->left_main || outlives_main(*ghost)) return queue_for_newcomer(bytes);
    return Queue::main;
}

// Compared with the mean, without a division.
Queue QueueBalance::queue_for_newcomer(std::uint64_t bytes) const noexcept {
    const bool is_bulk = bytes * index_.items() > slabs_.queued_bytes() * bulk_factor;
    return is_bulk ? Queue::bulk : Queue::fresh;
}

// Was it away for longer than main's oldest have been in it? While the newcomers have more than
// their share, main has room for anybody. The time that it spent among the newcomers, before it was
// evicted, was about as many evictions as they are items.
bool QueueBalance::outlives_main(const Ghost& ghost) const noexcept {
    const SlabNumber oldest = slabs_.queue(Queue::main).oldest;
    const std::uint64_t all = slabs_.queued_bytes();
    const std::uint64_t newcomers = newcomers_bytes();
    if (oldest == 0 || newcomers > share_.of(all) * 6 / 5 + slabs_.slab_bytes()) return false;
    const std::uint64_t stay =
        index_.items() * (newcomers / slabs_.slab_bytes()) / (all / slabs_.slab_bytes() + 1);
    return ghosts_.remembered_since(ghost) + stay > slabs_.evictions_since_queued(oldest);
}

void QueueBalance::count_eviction(const Item& item, std::uint64_t hash) noexcept {
    const bool left_main = arena_.queue_of(item) == Queue::main;
    ghosts_.remember(hash, left_main);
    slabs_.count_eviction();
    share_.count_eviction(left_main ? Side::main : Side::newcomers,
                          item.slab_bytes() + arena_.extent_bytes(item));
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
