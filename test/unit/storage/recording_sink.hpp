// A mutation sink that keeps what it is told: the keys and versions that a peer would know of.
// Guarded as the store guards its calls: by the shards' locks, so one test thread at a time.
#pragma once

#include "storage/mutation.hpp"
#include "test/support/failing_allocations.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace twincached::storage {

class RecordingSink : public MutationSink {
  public:
    struct Event {
        std::string key;
        Version before;
        Version after;
        Version version;
        Cause cause;
    };

    Ticket on_change(unsigned shard, const Change& change) noexcept override {
        const AllocationsSucceed ours;
        const std::string key(change.key.bytes);
        events.push_back({key, change.before, change.after, change.version, change.cause});
        const auto held = versions.find(key);
        if (change.before != (held == versions.end() ? 0 : held->second)) ++contradictions;
        if (change.after != 0)
            versions[key] = change.after;
        else
            versions.erase(key);
        return {shard, events.size()};
    }
    Version known_version(unsigned, const Key& key, bool) noexcept override {
        const AllocationsSucceed ours;
        const auto known_here = known.find(std::string(key.bytes));
        return known_here == known.end() ? 0 : known_here->second;
    }
    void on_hint(unsigned, std::uint64_t hash) noexcept override {
        const AllocationsSucceed ours;
        hints.push_back(hash);
    }
    Ticket on_flush(Version version) noexcept override {
        const AllocationsSucceed ours;
        flushes.push_back(version);
        return {};
    }
    void on_flush_scheduled(std::uint64_t at_steady_ms, Version version) noexcept override {
        schedules.emplace_back(at_steady_ms, version);
    }
    bool fires_foreign_schedule() noexcept override { return is_alone; }

    std::vector<Event> events;
    std::map<std::string, Version> versions;  // what the changes add up to
    std::map<std::string, Version> known;     // answers of known_version
    std::vector<std::uint64_t> hints;         // hashes
    std::vector<Version> flushes;
    std::vector<std::pair<std::uint64_t, Version>> schedules;
    unsigned contradictions = 0;  // changes whose `before` was not the last `after`
    bool is_alone = false;
};

}  // namespace twincached::storage
