// Stands between the store of a simulated node and its sink. Owned by whoever owns the two.
#pragma once

#include "storage/mutation.hpp"
#include "test/simulation/history.hpp"
#include "test/support/failing_allocations.hpp"

#include <cstdint>

namespace twincached::simulation {

// A node that is broken on purpose: whoever checks must find out.
enum class Defect : std::uint8_t {
    none,
    deletes_untold,  // deletes never reach the change log
    acks_overtake,   // an ACK is read before what was sent before it
    // What waited for a node that stood still is executed, however long that was.
    old_requests_executed,
    // Any version is followed, however far ahead.
    versions_believed,
    // What one node says to the other of operators' orders is lost: both are primary.
    orders_unheard,
    // A switchover does not wait until the other node has what the primary has.
    hands_over_early,
    // A resync counts on its comparison for all that is not told yet, and does not compare.
    resync_forgets,
};

// Tells the history, and lets a drop pass for an eviction.
class Observer final : public storage::MutationSink {
  public:
    Observer(storage::MutationSink& sink, History& history, unsigned node,
             Defect defect = Defect::none)
        : sink_(sink), history_(history), node_(node), defect_(defect) {}

    storage::Ticket on_change(unsigned shard, const storage::Change& change) noexcept override {
        auto seen = change;
        if (evicting) seen.cause = storage::Cause::evicted;
        tell(seen);
        const bool is_delete = seen.cause == storage::Cause::local_delete;
        if (is_delete && defect_ == Defect::deletes_untold) return {};
        return sink_.on_change(shard, seen);
    }
    storage::Version known_version(unsigned shard, const storage::Key& key,
                                   bool present) noexcept override {
        return sink_.known_version(shard, key, present);
    }
    void on_hint(unsigned shard, std::uint64_t hash) noexcept override {
        ++uses;
        sink_.on_hint(shard, hash);
    }
    storage::Ticket on_flush(storage::Version version) noexcept override {
        return sink_.on_flush(version);
    }
    void on_flush_scheduled(std::uint64_t at_ms, storage::Version version) noexcept override {
        sink_.on_flush_scheduled(at_ms, version);
    }
    bool fires_foreign_schedule() noexcept override { return sink_.fires_foreign_schedule(); }

    bool evicting = false;
    std::uint64_t uses = 0;

  private:
    void tell(const storage::Change& change) {
        const AllocationsSucceed of_history;
        history_.on_change(node_, change);
    }

    storage::MutationSink& sink_;
    History& history_;
    unsigned node_;
    Defect defect_;
};

}  // namespace twincached::simulation
