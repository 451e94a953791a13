// The drivers that there are. A driver is a folder of its own and one line in registry.cpp: its
// factory. Nothing else of the program names a driver; whoever needs one takes a list of factories,
// so that tests can bring drivers of theirs. Constant data; any thread.
#pragma once

#include "lib/option_row.hpp"
#include "replication/replicator.hpp"

#include <memory>
#include <span>
#include <string_view>

namespace twincached::replication {

struct ReplicatorFactory {
    std::string_view name;  // as operators write it
    // Throws what a person should read. The number of shards is that of the store to come; see
    // storage::planned_shard_count.
    std::unique_ptr<Replicator> (*make)(const Options& options, Events events, unsigned shards);
    // What an operator may decide of it. Null: nothing.
    std::span<const lib::OptionRow> (*rows)() noexcept = nullptr;
};

// Of the program.
std::span<const ReplicatorFactory> replicator_factories() noexcept;

// By the driver's name. Throws std::invalid_argument with a sentence that names those there are.
std::unique_ptr<Replicator> make_replicator(std::span<const ReplicatorFactory> factories,
                                            const Options& options, Events events, unsigned shards);

}  // namespace twincached::replication
