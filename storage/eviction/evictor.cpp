#include "storage/eviction/evictor.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace twincached::storage {

namespace {

// So many slabs are emptied for one insertion with all readers' wishes respected; after that, ever
// fewer items are spared, so that nobody holds the lock for long.
constexpr unsigned patient_rounds = 4;
constexpr unsigned round_limit = 32;
// At this pressure nothing is spared: no item can have been read more often.
constexpr unsigned highest_pressure = frequency_limit;
constexpr unsigned ghost_steps = 4;
// A slab with less than that alive holds little but the heads of large items.
constexpr std::uint32_t dense_share = 4;
// Half a turn of the memory.
constexpr std::uint64_t due_share = 2;
// Fewer dead bytes than this part of a slab are not worth the copying.
constexpr std::uint32_t dead_share = 16;

}  // namespace

Evictor::Evictor(const EvictorParts& parts, const EvictorOptions& options)
    : extents_(parts.extents),
      table_(parts.table),
      arena_(parts.table.arena()),
      slabs_(parts.table.arena().slabs()),
      open_(parts.table.arena().open_slabs()),
      drops_(parts.drops),
      books_(parts.books),
      may_evict_(options.may_evict),
      balance_(parts.share, parts.table,
               {options.ghost_address_bytes, PageSize::usual, options.locks_memory},
               options.shard_bits) {
    if (!may_evict_) table_.index().keep_all();
}

// --- which of too many that are alike ----------------------------------------------------------

bool Evictor::thin_out(std::uint64_t hash, Tick now) noexcept {
    if (!may_evict_) return false;
    thin_out_joined(now);
    evict_crowd(hash, 1, now);
    return true;
}

void Evictor::thin_out_joined(Tick now) noexcept {
    if (const auto hash = table_.index().take_crowd()) evict_crowd(*hash, 0, now);
}

// One of them, as a rule; as many as a chain may have where two have been joined. No ghosts of
// them: they did not leave for want of memory, and would come back into the same crowd.
void Evictor::evict_crowd(std::uint64_t hash, unsigned newcomers, Tick now) noexcept {
    for (;;) {
        const auto oldest = table_.oldest_of_crowd(hash, newcomers);
        if (oldest.item == nullptr) return;
        books_.count(Work::crowded_out);
        drops_.drop(*oldest.item, oldest.hash, Cause::evicted, now);
    }
}

// --- which slab --------------------------------------------------------------------------------

// A new slab is room for whatever fits into one, but the queue and lifetime that it is wanted for
// may have taken the last one meanwhile; so it is asked again, and in the end with less and less
// spared.
bool Evictor::make_room(const Placement& wanted, Tick now) noexcept {
    Placement placement = wanted;
    if (may_evict_) save_for_tables(now);
    for (unsigned round = 0; round < round_limit; ++round) {
        if (table_.has_room(placement)) return true;
        const unsigned pressure = round < patient_rounds ? 0 : round - patient_rounds + 1;
        if (!gain_slab(std::min(pressure, highest_pressure), now)) break;
        books_.count(Work::direct_reclaims);
        // There is a slab, but the index found no page.
        if (placement.slab != 0) (void)slabs_.give_back_kept();
    }
    return table_.has_room(placement);
}

// Index and ghosts grow by a quarter at once: a slab is set aside for them at every eviction until
// they have what they need.
void Evictor::save_for_tables(Tick now) noexcept {
    Index& index = table_.index();
    Ghosts& ghosts = balance_.ghosts();
    ghosts.adjust(index.items());
    ghosts.step(ghost_steps);
    index.adjust();
    for (MemoryAccount* account : {&index.account(), &ghosts.account()}) {
        if (account->wanted() == 0 || !gain_slab(0, now)) continue;
        (void)slabs_.give_back_kept();
        account->save(std::min<std::uint64_t>(account->wanted(), slabs_.slab_bytes()));
    }
}

// Frees at least the memory of a slab: a slab's own, or that of large items' extents. False if
// there is nothing left to empty.
bool Evictor::gain_slab(unsigned pressure, Tick now) noexcept {
    if (const SlabNumber sparse = open_.take_sparse(); sparse != 0)
        return compact(sparse, purpose_for_sparse(sparse), now);
    if (!may_evict_) return compact(most_dead(), Purpose::compact, now);
    if (balance_.victim() == 0) return false;
    // What rests would be missed by the budget.
    if (evict_oldest(slabs_.slab_bytes(), pressure, now) != 0) extents_.end_rest();
    return true;
}

// Of a sparse slab less than half is copied; where nothing may be evicted it may be more, for dead
// bytes are all that can be had.
bool Evictor::compact(SlabNumber number, Purpose purpose, Tick now) noexcept {
    if (number == 0) return false;
    if (slabs_[number].state == SlabState::open) open_.close(number);
    Drain job;
    job.slab = number;
    job.purpose = purpose;
    job.now = now;
    drain(job);
    books_.count(Work::compacted_slabs);
    return true;
}

// Where its items are young, nobody loses one for it.
Evictor::Purpose Evictor::purpose_for_sparse(SlabNumber number) const noexcept {
    const std::uint64_t age = slabs_.evictions_since_queued(number);
    const bool is_due = age * due_share > table_.index().items();
    return may_evict_ && is_due ? Purpose::evict : Purpose::compact;
}

// Until so many bytes of extents are free or the slab is empty. Returns those of extents.
std::uint64_t Evictor::evict_oldest(std::uint64_t bytes, unsigned pressure, Tick now) noexcept {
    Drain job;
    balance_.settle_newcomers();
    job.slab = balance_.victim();
    if (job.slab == 0) return 0;
    const Slab& slab = slabs_[job.slab];
    if (slab.state == SlabState::open && slab.used == slab.scanned) open_.close(job.slab);
    job.pressure = pressure;
    job.now = now;
    job.wanted = bytes;
    drain(job);
    return job.freed;
}

// The kept slab last: it is what the next insertion on this very shard would take.
std::uint64_t Evictor::evict_some(std::uint64_t bytes, unsigned pressure, Tick now) noexcept {
    std::uint64_t freed = may_evict_ ? evict_oldest(bytes, pressure, now) : 0;
    if (freed < bytes) freed += slabs_.give_back_kept();
    return freed;
}

// Where nothing may be evicted, dead bytes are all there is to gain. An open slab's end counts
// only as far as it was written.
SlabNumber Evictor::most_dead() const noexcept {
    SlabNumber best = 0;
    std::uint32_t most = slabs_.slab_bytes() / dead_share;
    for (SlabNumber number = 1; number < slabs_.end(); ++number) {
        const Slab& slab = slabs_[number];
        if (slab.state == SlabState::free) continue;
        const std::uint32_t end = slab.state == SlabState::open ? slab.used : slabs_.slab_bytes();
        if (end - slab.live_bytes <= most) continue;
        most = end - slab.live_bytes;
        best = number;
    }
    return best;
}

// --- which items -------------------------------------------------------------------------------

// Marked as being drained, so that it is not freed under the scan when its last item goes.
void Evictor::drain(Drain& job) noexcept {
    slabs_[job.slab].is_draining = true;
    job.is_dense = slabs_[job.slab].live_bytes >= slabs_.slab_bytes() / dense_share;
    const auto scanned =
        table_.scan(job.slab, slabs_[job.slab].scanned, [&](Item& item, std::uint64_t hash) {
            judge(job, item, hash);
            return !job.is_enough();
        });
    slabs_[job.slab].scanned = scanned;
    finish(job);
}

// Flushed and expired items leave by that name: they are no evictions, and their ghosts would only
// let in what has lost its worth.
void Evictor::judge(Drain& job, Item& item, std::uint64_t hash) noexcept {
    Cause cause = Cause::evicted;
    if (table_.is_flushed(item)) {
        cause = Cause::flushed;
    } else if (item.expiry().is_past(job.now)) {
        cause = Cause::expired;
    } else if (is_worth_keeping(item, job)) {
        if (copy_forward(job, item, hash)) return;
        // No room elsewhere. A slab full of items makes room by being emptied as a whole; one with
        // little but the heads of large items would take far too many of them along.
        if (job.wanted != 0 && job.is_dense) {
            job.wanted = 0;
            if (slabs_[job.slab].state == SlabState::open) open_.close(job.slab);
        }
        if (job.wanted == 0) {
            slide(job, item, hash);
            return;
        }
    }
    job.freed += arena_.extent_bytes(item);
    if (cause == Cause::evicted) balance_.count_eviction(item, hash);
    drops_.drop(item, hash, cause, job.now);
}

bool Evictor::is_worth_keeping(const Item& item, const Drain& job) const noexcept {
    if (job.purpose == Purpose::compact) return true;
    if (job.pressure >= highest_pressure) return false;
    // What is being sent just now would not free its memory.
    if (item.is_large() && extents_.is_shared(item.extent())) return true;
    if (job.pressure == 0 && is_worth_a_second_wait(item, job)) return true;
    return item.frequency() > job.pressure + reads_for_size(item);
}

// One large item takes the room of many small ones, so it must be read more often to be worth it:
// once more than an average item, twice more if it is much larger. On traces this saves 3 to 7 %
// of all misses.
unsigned Evictor::reads_for_size(const Item& item) const noexcept {
    const std::uint64_t bytes = item.slab_bytes() + arena_.extent_bytes(item);
    return (balance_.is_larger_than_mean(bytes, 1) ? 1U : 0U) +
           (balance_.is_larger_than_mean(bytes, much_larger) ? 1U : 0U);
}

// Where sizes differ widely, most newcomers are small, and all these together take little: they may
// wait in main, too, for somebody to read them. Of Zipf's law with sizes it saves up to 6 % of all
// misses.
bool Evictor::is_worth_a_second_wait(const Item& item, const Drain& job) const noexcept {
    if (slabs_[job.slab].queue == Queue::main || item.is_large()) return false;
    return balance_.is_smaller_than_mean(item.slab_bytes(), much_smaller);
}

// Of one that stays in main once more. It may have had none, if it is kept only because it is being
// sent.
unsigned Evictor::reads_left(const Item& item) const noexcept {
    return std::min(std::max(item.frequency(), 1U) - 1, balance_.lasting_reads());
}

// To the open slab of its new queue; false if there is none with room and no memory for one.
bool Evictor::copy_forward(const Drain& job, Item& item, std::uint64_t hash) noexcept {
    const Queue from = slabs_[job.slab].queue;
    const bool evicting = job.purpose == Purpose::evict;
    Placement placement;
    placement.queue = evicting ? Queue::main : from;
    placement.lifetime = lifetime_of(item.expiry(), job.now);
    Item* copy = table_.move(&item, hash, placement);
    if (copy == nullptr) return false;
    if (!evicting) {
        books_.count(Work::rescued);
        return true;
    }
    if (from != Queue::main && copy->frequency() > 0) balance_.count_promotion(*copy);
    copy->set_frequency(from != Queue::main ? 0 : reads_left(item));
    ClassStats& stats = books_.of(*copy);
    ++(from != Queue::main ? stats.kept : stats.kept_again);
    return true;
}

// Within the slab, towards its front, over what has left: the slab will be open again.
void Evictor::slide(Drain& job, Item& item, std::uint64_t hash) noexcept {
    if (job.slid_bytes == 0) job.slid_lifetime = lifetime_of(item.expiry(), job.now);
    Item* moved = table_.slide(&item, hash, job.slid_bytes);
    job.slid_bytes += moved->slab_bytes();
    job.slid_expiries.include(moved->expiry().raw());
    if (job.purpose == Purpose::compact) {
        books_.count(Work::rescued);
        return;
    }
    if (slabs_[job.slab].queue == Queue::main) {
        moved->set_frequency(reads_left(*moved));
        return;
    }
    moved->set_frequency(0);
    arena_.move_extent(*moved, slabs_[job.slab].queue, Queue::main);
}

// Emptied: it is freed. Else what had to stay lies at its front, and the rest is room again: for
// the lifetime that lacked it. For the slab's own one there may be an open slab whose room would be
// lost.
void Evictor::finish(const Drain& job) noexcept {
    Slab& slab = slabs_[job.slab];
    slab.is_draining = false;
    if (job.slid_bytes == 0) {
        open_.settle(job.slab);
        return;
    }
    assert(slab.live_bytes == job.slid_bytes);
    slab.used = job.slid_bytes;
    slab.scanned = 0;
    slab.is_sparse = false;
    slab.expiries = job.slid_expiries;
    slabs_.move_to_queue(job.slab, job.purpose == Purpose::evict ? Queue::main : slab.queue);
    slab.lifetime = static_cast<std::uint8_t>(open_.lifetime_for(slab.queue, job.slid_lifetime));
    open_.make_open(job.slab);
}

}  // namespace twincached::storage
