// flush_all, at once and later, from a client of this node or of another one.
//
// A flush is one version: what is not newer is dead, on every shard and on every node. Versions of
// flushes merge by maximum, so that it does not matter in which order they arrive.
//
// A flush for later is a schedule: when, and the version of the request. The node whose client
// asked for it fires it; any other one only if it is alone, or has waited in vain (rule R14b). A
// later request replaces an earlier one; that at no time takes it back.
//
// Part of the store. Any thread may call any member; the lock within is never held together with a
// shard's, and the sink is called without any.
#pragma once

#include "lib/mutex.hpp"
#include "storage/locked_shards.hpp"
#include "storage/mutation.hpp"
#include "storage/now.hpp"
#include "storage/version.hpp"

#include <atomic>
#include <cstdint>

namespace twincached::storage {

struct FlushSchedule {
    std::uint64_t at_steady_ms = 0;  // 0 = none
    Version version = 0;
};

// What a store knows beside its items, and keeps over a restart.
struct StoreRegisters {
    std::uint64_t version_time = 0;
    Version flush_version = 0;
    FlushSchedule schedule;
    bool schedule_is_own = false;
};

class Flushes {
  public:
    Flushes(const LockedShards& shards, MutationSink& sink) noexcept
        : shards_(shards), sink_(sink) {}

    // Everything stored before is gone when it returns; what a client stores after it, stays. Takes
    // a schedule back.
    Ticket flush(const Now& now) noexcept;
    // `at_steady_ms` on this node's clock; 0 takes an earlier request back.
    void schedule(std::uint64_t at_steady_ms, const Now& now) noexcept;
    // Those of another node: the sink is not told.
    void apply(Version version, Tick now) noexcept;
    void apply_schedule(std::uint64_t at_steady_ms, Version version) noexcept;
    // Its request was given a version by such a clock.
    void correct(const ClockLead& lead) noexcept;
    // Carries out what has come due and is this node's to do.
    void fire(const Now& now) noexcept;

    FlushSchedule schedule() const noexcept;
    // When something was flushed; 0: nothing since the start.
    Tick last() const noexcept { return last_.load(std::memory_order_relaxed); }

    StoreRegisters registers() const noexcept;
    void restore(const StoreRegisters& registers) noexcept;

  private:
    Version next_version(const Now& now) const noexcept;

    const LockedShards& shards_;
    MutationSink& sink_;
    std::atomic<Tick> last_{0};
    mutable lib::Mutex mutex_;
    // Its version only ever rises, also when it is taken back, but for one of a wrong clock.
    FlushSchedule schedule_ GUARDED_BY(mutex_);
    bool schedule_is_own_ GUARDED_BY(mutex_) = false;
};

}  // namespace twincached::storage
