#include "storage/eviction/collector.hpp"

#include <algorithm>

namespace twincached::storage {

namespace {

// How many slabs' spans are looked at in one step.
constexpr unsigned slabs_per_step = 1024;
// Looking through a slab costs some 20 us: not every second for every expiry.
constexpr Tick pause_ticks = 2;

}  // namespace

// Nothing is looked for now: a flush of a full store would hold the lock for long. What asks for an
// item meanwhile finds that it is flushed, by its version.
void Collector::flush(Version version) noexcept {
    if (version <= table_.flush_version()) return;
    table_.set_flush_version(version);
    sweep_ = 1;
}

// A slab all of whose items have expired is worth looking through at once, for it is freed as a
// whole; one of mixed expiries only now and then.
bool Collector::is_due(const Slab& slab, Tick now) const noexcept {
    if (slab.state == SlabState::free || slab.expiries.earliest > now) return false;
    return slab.expiries.latest <= now || now >= slab.looked_at + pause_ticks;
}

// An expiry that was given since the last step may be earlier than all that the pass had found out;
// it counts for this pass and for the time after it.
bool Collector::step(Tick now) noexcept {
    const Tick noted = table_.arena().take_noted_expiry();
    next_due_ = std::min(next_due_, noted);
    pass_due_ = std::min(pass_due_, noted);
    if (next_ == 0 && sweep_ == 0 && now < next_due_) return false;
    if (next_ == 0) {
        next_ = 1;
        pass_due_ = no_tick;
    }
    const Slabs& slabs = table_.arena().slabs();
    for (unsigned i = 0; i < slabs_per_step && next_ < slabs.end(); ++i) {
        const SlabNumber number = next_++;
        // A flush during a pass is swept by the next one, which begins where the sweep does.
        const bool flushed = sweep_ == number;
        if (flushed) ++sweep_;
        const bool look =
            slabs[number].state != SlabState::free && (flushed || is_due(slabs[number], now));
        if (look) collect(number, now);
        pass_due_ = std::min(pass_due_, slabs[number].expiries.earliest);
        if (look) return true;
    }
    if (next_ < slabs.end()) return true;
    next_ = 0;
    next_due_ = std::max(pass_due_, now + 1);
    if (sweep_ >= slabs.end()) sweep_ = 0;
    return sweep_ != 0;
}

// The span of what stays is found out on the way, for that is the one moment in which all items of
// the slab are looked at; so a slab's span shrinks to the truth.
void Collector::collect(SlabNumber number, Tick now) noexcept {
    ExpirySpan left;  // of the items that stay
    Slab& slab = table_.arena().slabs()[number];
    slab.is_draining = true;
    (void)table_.scan(number, slab.scanned, [&](Item& item, std::uint64_t hash) {
        ClassStats& stats = books_.of(item);
        ++stats.examined;
        if (table_.is_flushed(item)) {
            drops_.drop(item, hash, Cause::flushed, now);
        } else if (item.expiry().is_past(now)) {
            ++stats.collected;
            drops_.drop(item, hash, Cause::expired, now);
        } else {
            left.include(item.expiry().raw());
        }
        return true;
    });
    slab.is_draining = false;
    slab.expiries = left;
    slab.looked_at = now;
    table_.arena().open_slabs().settle(number);
}

}  // namespace twincached::storage
