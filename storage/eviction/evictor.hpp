// How a shard makes room: S3-FIFO over slabs.
//
//                   what QueueBalance gives them        the rest
//    new items --> [ fresh: newest ... oldest ]   [ main: newest ... oldest ]
//    large ones -> [ bulk:  newest ... oldest ]
//                                        |            ^  ^            |
//                    read since? --------+---- yes ---'  '---- yes ---+--- read since?
//                                        no                           no
//                                        v                            v
//                                     ghosts                         gone
//
// The oldest slab of the queue whose turn it is gets drained: items that were read are copied to
// the main queue's open slab, the rest leave and are remembered as ghosts. A new item whose ghost
// is remembered may enter the main queue at once. What is copied from main to
// main loses one read or more, so that what nobody reads any more leaves after at most three
// rounds, or two where what is hot moves on.
//
// Where eviction is forbidden (-M) all that can be gained are dead bytes: mostly dead slabs are
// compacted, that is, their live items move within their queue. The same is done first in any case
// with slabs that are more than half empty, as those become whose items expire one after the other:
// what is dead in them would else take room until its queue has come to it. But a copy stands at
// the queue's newest end, as if it had just come, and that is more than it is due: so if such a
// slab has been there for half a turn of the memory or longer, its turn has come, and its items are
// judged as those of the oldest.
//
// It decides what stays; where items lie is Table's knowledge, and telling of what leaves, Drops'.
// One per shard, guarded by its lock.
#pragma once

#include "storage/eviction/drops.hpp"
#include "storage/eviction/queue_balance.hpp"
#include "storage/index/table.hpp"
#include "storage/memory/lifetime.hpp"

#include <cstdint>

namespace twincached::storage {

struct EvictorOptions {
    bool may_evict = true;
    std::size_t ghost_address_bytes = 0;  // address space for the ghosts
    unsigned shard_bits = 0;
    bool locks_memory = false;
};

// What an evictor uses and does not own; all of it outlives the evictor.
struct EvictorParts {
    MemoryShare& share;
    Extents& extents;
    Table& table;
    Drops& drops;
    Books& books;
};

class Evictor {
  public:
    Evictor(const EvictorParts& parts, const EvictorOptions& options);

    bool may_evict() const noexcept { return may_evict_; }
    // Where new items go.
    QueueBalance& balance() noexcept { return balance_; }
    // Empties slabs until there is room. Items may have moved or gone: whoever held a pointer must
    // look again. False if 32 rounds, in which ever fewer items were spared, were not enough.
    bool make_room(const Placement& placement, Tick now) noexcept;
    // In the index: where too many hashes are alike, a newcomer takes the place of the item that
    // nobody has used for longest. False if items must not be evicted, and so there is no place.
    bool make_place(std::uint64_t hash, Tick now) noexcept {
        const Index& index = table_.index();
        if (!index.has_crowd() && !index.is_crowded(hash, 1)) return true;
        return thin_out(hash, now);
    }
    // The same where two chains of the index have been joined; there may be nothing to do.
    void thin_out_joined(Tick now) noexcept;
    // One bounded step that frees memory for whoever needs it: up to a slab, or extents of so many
    // bytes. Returns what was freed, 0 if nothing was. `pressure` above 0 spares ever fewer items:
    // they must have been read more often than that.
    std::uint64_t evict_some(std::uint64_t bytes, unsigned pressure, Tick now) noexcept;

    // Moves on by so many lines, if there is a change of the ghosts' number under way.
    void step_ghosts(unsigned lines) noexcept { balance_.ghosts().step(lines); }
    std::uint64_t ghost_bytes() const noexcept { return balance_.ghosts().bytes(); }

  private:
    enum class Purpose : std::uint8_t {
        evict,    // those worth keeping move to the main queue, the rest leaves
        compact,  // all live ones move, within their queue
    };
    // A slab being emptied.
    struct Drain {
        SlabNumber slab = 0;
        Purpose purpose = Purpose::evict;
        Tick now = 0;
        unsigned pressure = 0;         // the higher, the more often must an item have been read
        std::uint64_t wanted = 0;      // stop when so much was freed; 0: empty the whole slab
        std::uint64_t freed = 0;       // bytes of extents
        bool is_dense = false;         // it held more than the heads of large items at first
        std::uint32_t slid_bytes = 0;  // of items that had to stay, moved to the slab's front
        ExpirySpan slid_expiries;      // of these items
        unsigned slid_lifetime = 0;    // of the first of them

        bool is_enough() const noexcept { return wanted != 0 && freed >= wanted; }
    };

    bool thin_out(std::uint64_t hash, Tick now) noexcept;
    void evict_crowd(std::uint64_t hash, unsigned newcomers, Tick now) noexcept;
    void save_for_tables(Tick now) noexcept;
    bool gain_slab(unsigned pressure, Tick now) noexcept;
    bool compact(SlabNumber number, Purpose purpose, Tick now) noexcept;
    Purpose purpose_for_sparse(SlabNumber number) const noexcept;
    std::uint64_t evict_oldest(std::uint64_t bytes, unsigned pressure, Tick now) noexcept;
    SlabNumber most_dead() const noexcept;
    void drain(Drain& job) noexcept;
    void judge(Drain& job, Item& item, std::uint64_t hash) noexcept;
    bool is_worth_keeping(const Item& item, const Drain& job) const noexcept;
    unsigned reads_for_size(const Item& item) const noexcept;
    bool is_worth_a_second_wait(const Item& item, const Drain& job) const noexcept;
    unsigned reads_left(const Item& item) const noexcept;
    bool copy_forward(const Drain& job, Item& item, std::uint64_t hash) noexcept;
    void slide(Drain& job, Item& item, std::uint64_t hash) noexcept;
    void finish(const Drain& job) noexcept;

    Extents& extents_;
    Table& table_;
    Arena& arena_;  // the table's, as are the next two
    Slabs& slabs_;
    OpenSlabs& open_;
    Drops& drops_;
    Books& books_;
    bool may_evict_;
    QueueBalance balance_;
};

}  // namespace twincached::storage
