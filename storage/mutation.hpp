// The sink that every shard reports its changes to: the seam at which replication is plugged in.
// All calls are made under the lock of the shard in question and are noexcept; a sink keeps its
// own state per shard, guarded by that same lock, and calls nothing back.
//
// Rule R0: allotting a version, changing the table and telling the sink are one critical section,
// so that no order can differ between the store and what other nodes hear.
#pragma once

#include "storage/key.hpp"
#include "storage/version.hpp"

#include <cstdint>

namespace twincached::storage {

enum class Cause : std::uint8_t {
    local_write,   // a client stored, changed or touched it
    local_delete,  // a client deleted it, also when it was absent (before == 0)
    remote,        // another node's record was applied
    restored,      // it was there before a warm restart, and is again
    evicted,       // memory was needed
    expired,       // its time was over
    flushed,       // older than the flush register
    in_doubt,      // dropped because another node may know something newer (rule R9)
    disowned,      // what this node held does not count: as if it had never been here
    corrected,     // the same item: a wrong clock had given it its version
};

struct Change {
    Key key;
    Version before;   // what the key held, 0 if it was absent
    Version after;    // what it holds now, 0 if it is absent
    Version version;  // of the change itself: `after`, a delete's own, or, for a drop, `before`
    Cause cause;
};

// What a client may wait for in ack mode `received`: the change log position of a mutation.
// 0 = nothing to wait for.
struct Ticket {
    // The change is not logged: nobody will hear when another node has it.
    static constexpr std::uint64_t unconfirmable = ~std::uint64_t{0};

    std::uint32_t shard = 0;
    std::uint64_t position = 0;
};

class MutationSink {
  public:
    virtual ~MutationSink() = default;

    // A change of such a key is likely to be told soon: time to fetch what that will touch.
    virtual void prefetch(unsigned /*shard*/, std::uint64_t /*hash*/) const noexcept {}

    virtual Ticket on_change(unsigned shard, const Change& change) noexcept = 0;

    // The newest version that is known of the key beside the item itself (a change not yet
    // acknowledged; for an absent key also what its bucket remembers of deletes). Rule R4.
    virtual Version known_version(unsigned shard, const Key& key, bool present) noexcept = 0;

    // A hint that the item is in use: a client's use has made eviction spare it longer, and may do
    // so on other nodes. Most uses of what is in demand change nothing any more, and are not told.
    // A hint may be lost: no state depends on it.
    virtual void on_hint(unsigned shard, std::uint64_t hash) noexcept = 0;

    // A client's flush_all took effect at `version` on every shard; no lock is held.
    virtual Ticket on_flush(Version version) noexcept = 0;

    // A client asked for a flush at a later time; (0, version) takes an earlier request back.
    virtual void on_flush_scheduled(std::uint64_t at_steady_ms, Version version) noexcept = 0;

    // May this node carry out a flush that another node's client scheduled? (Only when alone.)
    virtual bool fires_foreign_schedule() noexcept = 0;
    // Nobody else has carried out by now what this node's own client scheduled, as another may have
    // while this node stood still.
    virtual bool fires_own_schedule(std::uint64_t) noexcept { return true; }
};

// For a node alone.
class NoReplication final : public MutationSink {
  public:
    Ticket on_change(unsigned, const Change&) noexcept override { return {}; }
    Version known_version(unsigned, const Key&, bool) noexcept override { return 0; }
    void on_hint(unsigned, std::uint64_t) noexcept override {}
    Ticket on_flush(Version) noexcept override { return {}; }
    void on_flush_scheduled(std::uint64_t, Version) noexcept override {}
    bool fires_foreign_schedule() noexcept override { return false; }
};

}  // namespace twincached::storage
