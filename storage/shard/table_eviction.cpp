// How a table makes room: emptying slabs.

#include "storage/shard/table.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace twincached::storage {

namespace {

// The fresh queue's part of the memory.
constexpr std::uint64_t fresh_percent = 10;
// So many slabs are emptied for one insertion with all readers' wishes respected; after that, ever
// fewer items are spared, so that nobody holds the lock for long.
constexpr unsigned patient_rounds = 4;
constexpr unsigned round_limit = 32;
constexpr unsigned highest_pressure = frequency_limit;
constexpr std::size_t batch_size = 16;
constexpr unsigned ghost_steps = 4;
constexpr std::uint64_t much_larger = 4;

}  // namespace

bool Table::make_room(const Placement& wanted, Tick now) noexcept {
    Placement placement = wanted;
    if (context_.evict) save_for_tables(now);
    for (unsigned round = 0; round < round_limit; ++round) {
        if (has_room(placement)) return true;
        const unsigned pressure = round < patient_rounds ? 0 : round - patient_rounds + 1;
        if (!gain_slab(std::min(pressure, highest_pressure), now)) break;
        ++direct_reclaims_;
        // There is a slab, but the index found no page.
        if (placement.slab != 0) (void)slabs_.give_back_kept();
    }
    return has_room(placement);
}

// Index and ghosts grow by a quarter at once: a slab is set aside for them at every eviction until
// they have what they need.
void Table::save_for_tables(Tick now) noexcept {
    ghosts_.adjust(index_.items());
    ghosts_.step(ghost_steps);
    index_.adjust();
    for (MemoryAccount* account : {&index_.account(), &ghosts_.account()}) {
        if (account->wanted() == 0 || !gain_slab(0, now)) continue;
        (void)slabs_.give_back_kept();
        account->save(std::min<std::uint64_t>(account->wanted(), slabs_.slab_bytes()));
    }
    publish_bytes();
}

// Frees at least the memory of a slab: a slab's own, or that of large items' extents.
bool Table::gain_slab(unsigned pressure, Tick now) noexcept {
    if (const SlabNumber sparse = next_sparse(); sparse != 0) return compact(sparse, now);
    if (!context_.evict) return compact(most_dead(), now);
    if (slabs_.queue(Queue::fresh).oldest == 0 && slabs_.queue(Queue::main).oldest == 0)
        return false;
    // What rests would be missed by the budget.
    if (evict_oldest(slabs_.slab_bytes(), pressure, now) != 0) extents_.end_rest();
    return true;
}

bool Table::compact(SlabNumber number, Tick now) noexcept {
    if (number == 0) return false;
    if (slabs_[number].state == SlabState::open) close(number);
    Drain job;
    job.slab = number;
    job.purpose = Purpose::compact;
    job.now = now;
    drain(job);
    ++compacted_slabs_;
    return true;
}

// Until so many bytes of extents are free or the slab is empty. Returns those of extents.
std::uint64_t Table::evict_oldest(std::uint64_t bytes, unsigned pressure, Tick now) noexcept {
    Drain job;
    job.slab = victim();
    if (job.slab == 0) return 0;
    const Slab& slab = slabs_[job.slab];
    if (slab.state == SlabState::open && slab.used == slab.scanned) close(job.slab);
    job.pressure = pressure;
    job.now = now;
    job.wanted = bytes;
    drain(job);
    return job.freed;
}

std::uint64_t Table::evict_some(std::uint64_t bytes, unsigned pressure, Tick now) noexcept {
    std::uint64_t freed = context_.evict ? evict_oldest(bytes, pressure, now) : 0;
    if (freed < bytes) freed += slabs_.give_back_kept();
    publish_bytes();
    return freed;
}

SlabNumber Table::victim() const noexcept {
    const SlabQueue& fresh = slabs_.queue(Queue::fresh);
    const SlabQueue& main = slabs_.queue(Queue::main);
    if (fresh.oldest == 0 || main.oldest == 0) return fresh.oldest + main.oldest;
    const bool fresh_is_over = fresh.bytes * 100 > (fresh.bytes + main.bytes) * fresh_percent;
    return fresh_is_over ? fresh.oldest : main.oldest;
}

SlabNumber Table::next_sparse() noexcept {
    while (!sparse_.empty()) {
        const SlabNumber number = sparse_.back();
        sparse_.pop_back();
        // The slab may have been emptied, and filled again, since.
        if (!slabs_[number].is_sparse) continue;
        slabs_[number].is_sparse = false;
        if (slabs_[number].state == SlabState::sealed) return number;
    }
    return 0;
}

// Where nothing may be evicted, dead bytes are all there is to gain.
SlabNumber Table::most_dead() const noexcept {
    SlabNumber best = 0;
    std::uint32_t most = slabs_.slab_bytes() / 16;  // less is not worth the copying
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

// Goes through a slab's items in batches, so that their index lines arrive while the batch before
// is dealt with.
void Table::drain(Drain& job) noexcept {
    slabs_[job.slab].is_draining = true;
    job.is_dense = slabs_[job.slab].live_bytes >= slabs_.slab_bytes() / 4;
    std::uint32_t offset = slabs_[job.slab].scanned;
    const auto is_enough = [&] { return job.wanted != 0 && job.freed >= job.wanted; };
    while (offset < slabs_[job.slab].used && !is_enough()) {
        std::array<Candidate, batch_size> batch;
        std::size_t count = 0;
        while (count < batch.size() && offset < slabs_[job.slab].used) {
            const Item& item = *slabs_.at(job.slab, offset);
            if (!item.is_dead()) {
                batch[count] = {offset, hash_of(item)};
                index_.prefetch(batch[count++].hash);
            }
            offset += item.slab_bytes();
        }
        for (std::size_t i = 0; i < count; ++i) {
            if (is_enough()) {
                offset = batch[i].offset;
                break;
            }
            judge(job, batch[i]);
        }
    }
    if (job.purpose != Purpose::collect) slabs_[job.slab].scanned = offset;
    finish(job);
}

void Table::judge(Drain& job, const Candidate& candidate) noexcept {
    Item* item = slabs_.at(job.slab, candidate.offset);
    const std::uint64_t extent_bytes = footprint(*item);
    Cause cause = Cause::evicted;
    if (job.purpose == Purpose::collect) ++stats_of(*item).examined;
    if (is_flushed(*item)) {
        cause = Cause::flushed;
    } else if (item->expiry().is_past(job.now)) {
        cause = Cause::expired;
        if (job.purpose == Purpose::collect) ++stats_of(*item).collected;
    } else if (job.purpose == Purpose::collect) {
        stay(job, *item);
        return;
    } else if (is_worth_keeping(*item, job)) {
        if (copy_forward(job, item, candidate.hash)) return;
        // No room elsewhere. A slab full of items makes room by being emptied as a whole; one with
        // little but the heads of large items would take far too many of them along.
        if (job.wanted != 0 && job.is_dense) {
            job.wanted = 0;
            if (slabs_[job.slab].state == SlabState::open) close(job.slab);
        }
        if (job.wanted == 0) {
            slide(job, item, candidate.hash);
            return;
        }
    }
    job.freed += extent_bytes;
    if (cause == Cause::evicted && slabs_[job.slab].queue == Queue::fresh)
        ghosts_.remember(candidate.hash);
    drop(item, candidate.hash, cause, job.now);
}

bool Table::is_worth_keeping(const Item& item, const Drain& job) const noexcept {
    if (job.purpose == Purpose::compact) return true;
    if (job.pressure >= highest_pressure) return false;
    // What is being sent just now would not free its memory.
    if (item.is_large() && extents_.is_shared(item.extent())) return true;
    return item.frequency() > job.pressure + reads_for_size(item);
}

// One large item takes the room of many small ones, so it must be read more often to be worth it:
// once more than an average item, twice more if it is much larger. On traces this saves 3 to 7 %
// of all misses.
unsigned Table::reads_for_size(const Item& item) const noexcept {
    const std::uint64_t bytes = item.slab_bytes() + footprint(item);
    const std::uint64_t all = slabs_.queue(Queue::fresh).bytes + slabs_.queue(Queue::main).bytes;
    // Compared with the mean, without a division.
    const std::uint64_t weighted = bytes * index_.items();
    return (weighted > all ? 1U : 0U) + (weighted > all * much_larger ? 1U : 0U);
}

// To the open slab of its new queue; false if there is none with room and no memory for one.
bool Table::copy_forward(Drain& job, Item* item, std::uint64_t hash) noexcept {
    const Queue from = slabs_[job.slab].queue;
    const bool evicting = job.purpose == Purpose::evict;
    Placement placement;
    placement.bytes = item->natural_bytes();
    placement.queue = evicting ? Queue::main : from;
    placement.lifetime = lifetime_of(item->expiry(), job.now);
    const SlabNumber to = slab_with_room(placement);
    if (to == 0) return false;
    Item* copy = slabs_.append(to, placement.bytes);
    std::memcpy(static_cast<void*>(copy), item, placement.bytes);
    copy->set_slab_bytes(placement.bytes);
    if (evicting) {
        copy->set_frequency(from == Queue::fresh ? 0 : item->frequency() - 1);
        ++(from == Queue::fresh ? stats_of(*copy).kept : stats_of(*copy).kept_again);
    } else {
        ++rescued_;
    }
    index_.replace(hash, slabs_.ref_of(item), slabs_.ref_of(copy));
    if (placement.queue != from) move_extent(*item, from, placement.queue);
    note_expiry(slabs_[to], copy->expiry());
    bury_in_slab(job.slab, item);
    copied_bytes_ += placement.bytes;
    return true;
}

// Within the slab, towards its front, over what has left: the slab will be open again.
void Table::slide(Drain& job, Item* item, std::uint64_t hash) noexcept {
    Slab& slab = slabs_[job.slab];
    const std::uint32_t bytes = item->natural_bytes();
    slab.live_bytes -= item->slab_bytes() - bytes;
    const Ref before = slabs_.ref_of(item);
    Item* moved = slabs_.at(job.slab, job.slid_bytes);
    if (moved != item) std::memmove(static_cast<void*>(moved), item, bytes);
    moved->set_slab_bytes(bytes);
    index_.replace(hash, before, slabs_.ref_of(moved));
    job.slid_bytes += bytes;
    copied_bytes_ += bytes;
    stay(job, *moved);
    if (job.purpose == Purpose::compact) {
        ++rescued_;
        return;
    }
    if (slab.queue == Queue::main) {
        if (moved->frequency() > 0) moved->set_frequency(moved->frequency() - 1);
        return;
    }
    moved->set_frequency(0);
    move_extent(*moved, Queue::fresh, Queue::main);
}

void Table::move_extent(const Item& item, Queue from, Queue to) noexcept {
    slabs_.queue(from).bytes -= footprint(item);
    slabs_.queue(to).bytes += footprint(item);
}

void Table::stay(Drain& job, const Item& item) noexcept {
    if (item.expiry().is_never()) {
        job.latest = no_tick;
        return;
    }
    job.earliest = std::min(job.earliest, item.expiry().raw());
    job.latest = std::max(job.latest, item.expiry().raw());
}

void Table::finish(const Drain& job) noexcept {
    Slab& slab = slabs_[job.slab];
    slab.is_draining = false;
    if (job.purpose == Purpose::collect) {
        slab.earliest = job.earliest;
        slab.latest = job.latest;
        slab.looked_at = job.now;
    } else if (job.slid_bytes > 0) {
        assert(slab.live_bytes == job.slid_bytes);
        slab.used = job.slid_bytes;
        slab.scanned = 0;
        slab.is_sparse = false;
        slab.earliest = job.earliest;
        slab.latest = job.latest;
        slabs_.move_to_queue(job.slab, job.purpose == Purpose::evict ? Queue::main : slab.queue);
        make_open(job.slab);
        return;
    }
    settle(job.slab);
}

}  // namespace twincached::storage
