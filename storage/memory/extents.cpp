#include "storage/memory/extents.hpp"

#include <algorithm>
#include <iterator>
#include <new>

namespace twincached::storage {

namespace {

constexpr std::uint64_t unit_bytes = 512;
constexpr std::uint32_t units_per_page = page_bytes / unit_bytes;
// Giving 1 MiB back to the system takes some 50 us.
constexpr std::uint32_t units_put_aside = (1U << 20) / unit_bytes;
// So little of the memory rests that it is not missed.
constexpr std::uint64_t resting_share = 64;
// What a caller waits for before it may write; the rest of a huge value's pages come one by one.
constexpr std::uint64_t populated_at_once = 1U << 20;

// Free nodes that stay at hand, beside those that may be wanted.
constexpr std::size_t nodes_kept = 256;

constexpr std::uint32_t first_page(std::uint32_t unit) noexcept {  // that begins at or after it
    return (unit + units_per_page - 1) / units_per_page;
}
constexpr std::uint32_t page_of(std::uint32_t unit) noexcept {
    return unit / units_per_page;
}

// Pages that lie wholly within a run.
constexpr std::uint32_t whole_pages(std::uint32_t begin, std::uint32_t end) noexcept {
    const std::uint32_t first = first_page(begin);
    return std::max(page_of(end), first) - first;
}

}  // namespace

// The first page is left alone, so that no extent has the number 0.
Extents::Extents(MemoryBudget& budget, const AddressSpace& space)
    : budget_(budget),
      memory_(space),
      runs_(PoolAllocator<std::pair<const Unit, Unit>>(nodes_)),
      runs_by_size_(PoolAllocator<Pair>(nodes_)),
      top_(units_per_page),
      resting_(PoolAllocator<Pair>(nodes_)) {}

Extents::~Extents() {
    budget_.give(bytes());
}

Extents::Head& Extents::head(ExtentNumber extent) const noexcept {
    return *reinterpret_cast<Head*>(memory_.base() + extent * unit_bytes);
}
char* Extents::data(ExtentNumber extent) const noexcept {
    return memory_.base() + extent * unit_bytes + sizeof(Head);
}
std::uint64_t Extents::capacity(ExtentNumber extent) const noexcept {
    return head(extent).units * unit_bytes - sizeof(Head);
}
std::uint64_t Extents::footprint(ExtentNumber extent) const noexcept {
    return head(extent).units * unit_bytes;
}
bool Extents::is_shared(ExtentNumber extent) const noexcept {
    return head(extent).references.load(std::memory_order_acquire) > 1;
}

// What rests is tried first, for its pages are at hand. It is in the way of a value of another
// size: so if there is no memory, all of it is freed and the run is looked for again.
ExtentNumber Extents::allocate(std::uint64_t value_bytes) noexcept {
    const std::uint64_t wanted = (value_bytes + sizeof(Head) + unit_bytes - 1) / unit_bytes;
    if (wanted > memory_.size() / unit_bytes) return 0;
    const auto units = static_cast<Unit>(wanted);
    if (const ExtentNumber resting = take_resting(units); resting != 0) return resting;
    const ExtentNumber extent = allocate_fresh(units);
    if (extent != 0) return extent;
    end_rest();
    return allocate_fresh(units);
}

// The best fit among the free runs, else what lies beyond the top. The pages are asked for without
// the lock: to find and clear them takes the system longer than all the rest.
ExtentNumber Extents::allocate_fresh(Unit units) noexcept {
    Unit begin = 0;
    {
        const lib::MutexLock lock(mutex_);
        if (!prepare_nodes(1)) return 0;
        const auto fit = runs_by_size_.lower_bound({units, 0});
        if (fit != runs_by_size_.end()) {
            begin = fit->second;
            if (!carve(begin, begin + fit->first, units)) return 0;
        } else {
            begin = top_;
            if (!extend_top(units)) return 0;
        }
        ++count_;
    }
    const std::size_t offset = begin * unit_bytes;
    memory_.populate(offset, std::min(units * unit_bytes, populated_at_once));
    ::new (memory_.base() + offset) Head{units, 1, 0, 0};
    return begin;
}

// So many extents more, and all can be freed in any order. Two nodes are taken for a moment when a
// run is changed.
bool Extents::prepare_nodes(std::size_t more) {
    const std::size_t wanted = count_ + more + runs_.size() + 2;
    const std::size_t held = 2 * runs_.size();
    return wanted <= held || nodes_.prepare(wanted - held);
}

// The page in which the top lies is counted already if a run below it touches it.
bool Extents::extend_top(Unit units) {
    const std::uint64_t end = std::uint64_t{top_} + units;
    if (end > memory_.size() / unit_bytes) return false;
    const std::uint64_t pages =
        first_page(static_cast<Unit>(end)) - std::uint64_t{first_page(top_)};
    if (!budget_.take(pages * page_bytes)) return false;
    if (!memory_.commit_to(end * unit_bytes)) {
        budget_.give(pages * page_bytes);
        return false;
    }
    bytes_.fetch_add(pages * page_bytes, std::memory_order_relaxed);
    top_ = static_cast<Unit>(end);
    return true;
}

// One that rests and is not much larger than needed.
ExtentNumber Extents::take_resting(Unit units) noexcept {
    const lib::MutexLock lock(mutex_);
    const auto fit = resting_.lower_bound({units, 0});
    if (fit == resting_.end() || fit->first > units + units / 16) return 0;
    const ExtentNumber extent = fit->second;
    resting_bytes_ -= footprint(extent);
    resting_.erase(fit);
    head(extent).references.store(1, std::memory_order_relaxed);
    return extent;
}

// False if enough rests already, or nothing can be noted of it.
bool Extents::rest(ExtentNumber extent) noexcept {
    const lib::MutexLock lock(mutex_);
    const std::uint64_t bytes = footprint(extent);
    if (resting_bytes_ + bytes > budget_.limit() / resting_share) return false;
    if (!prepare_nodes(1)) return false;  // one more than freeing it may take
    resting_bytes_ += bytes;
    resting_.emplace(head(extent).units, extent);
    return true;
}

void Extents::end_rest() noexcept {
    for (;;) {
        ExtentNumber extent = 0;
        {
            const lib::MutexLock lock(mutex_);
            if (resting_.empty()) return;
            extent = resting_.begin()->second;
            resting_bytes_ -= footprint(extent);
            resting_.erase(resting_.begin());
        }
        free(extent);
    }
}

// Takes the front of a free run.
bool Extents::carve(Unit begin, Unit end, Unit units) {
    const std::uint64_t pages = whole_pages(begin, end) - whole_pages(begin + units, end);
    if (!budget_.take(pages * page_bytes)) return false;
    bytes_.fetch_add(pages * page_bytes, std::memory_order_relaxed);
    forget_run(begin, end);
    if (begin + units < end) add_run(begin + units, end);
    return true;
}

void Extents::retain(ExtentNumber extent) noexcept {
    head(extent).references.fetch_add(1, std::memory_order_relaxed);
    pins_.fetch_add(1, std::memory_order_relaxed);
}

// May be called under a shard's lock: what takes long is put aside for whoever collects.
void Extents::release(ExtentNumber extent) noexcept {
    Head& freed = head(extent);
    if (freed.references.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        pins_.fetch_sub(1, std::memory_order_relaxed);
        return;
    }
    if (rest(extent)) return;
    if (freed.units < units_put_aside)
        free(extent);
    else
        put_aside(extent);
}

// A chain that anybody adds to and one takes as a whole needs no lock.
void Extents::put_aside(ExtentNumber extent) noexcept {
    ExtentNumber next = aside_.load(std::memory_order_relaxed);
    do {
        head(extent).next_aside = next;
    } while (!aside_.compare_exchange_weak(next, extent, std::memory_order_acq_rel));
}

bool Extents::collect() noexcept {
    if (aside_.load(std::memory_order_relaxed) == 0) return false;
    ExtentNumber extent = aside_.exchange(0, std::memory_order_acq_rel);
    const bool any = extent != 0;
    while (extent != 0) {
        const ExtentNumber next = head(extent).next_aside;
        free(extent);
        extent = next;
    }
    return any;
}

void Extents::free(ExtentNumber extent) noexcept {
    const Unit end = extent + head(extent).units;
    // Nobody else can touch these pages yet, so this long call needs no lock. The pages at either
    // end may belong to neighbours, too.
    memory_.give_back(extent * unit_bytes, (end - extent) * unit_bytes);
    const lib::MutexLock lock(mutex_);
    --count_;
    join(extent, end);
    nodes_.trim(count_ + runs_.size() + nodes_kept);
}

// With the free runs on both sides, so that no two of them touch. What is given back to the budget
// are the pages that lie wholly in the joined run and in none of its parts before.
void Extents::join(Unit begin, Unit end) {
    const Unit own_begin = begin;
    const Unit own_end = end;
    std::uint64_t pages_before = 0;  // already free in the neighbouring runs
    const auto above = runs_.find(end);
    if (above != runs_.end()) {
        end = above->second;
        pages_before += whole_pages(own_end, end);
        forget_run(own_end, end);
    }
    const auto next = runs_.lower_bound(begin);
    if (next != runs_.begin() && std::prev(next)->second == begin) {
        begin = std::prev(next)->first;
        pages_before += whole_pages(begin, own_begin);
        forget_run(begin, own_begin);
    }
    // Beyond the top nothing is in use, so a page that only begins below it is free, too.
    const Unit free_until = end == top_ ? first_page(end) * units_per_page : end;
    // A page at a seam belonged to the neighbour as well and has become free only now.
    for (const Unit seam : {own_begin, own_end}) {
        const Unit page = page_of(seam) * units_per_page;
        if (page >= begin && page + units_per_page <= free_until)
            memory_.give_back(page * unit_bytes, page_bytes);
    }
    if (end == top_)
        top_ = begin;
    else
        add_run(begin, end);
    const std::uint64_t bytes = (whole_pages(begin, free_until) - pages_before) * page_bytes;
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    budget_.give(bytes);
}

void Extents::forget_run(Unit begin, Unit end) {
    runs_.erase(begin);
    runs_by_size_.erase({end - begin, begin});
}

void Extents::add_run(Unit begin, Unit end) {
    runs_.emplace(begin, end);
    runs_by_size_.emplace(end - begin, begin);
}

}  // namespace twincached::storage
