// How far a repcached pair has come on its way to a pair of ours, as one of the new nodes tells it,
// and what may safely be done next: docs/MIGRATING.md, "From repcached". Pure.
#pragma once

#include "lib/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::app {

// What a node says of itself in /status, as far as it decides.
struct MigrationFacts {
    bool has_peer = false;
    bool is_paired = false;  // with another of ours, in a session
    std::string legacy;      // repl_legacy
    bool applies = false;    // repl_legacy_apply
    std::uint64_t dumps_received = 0;
    std::uint64_t dumps_sent = 0;
    std::uint64_t items = 0;  // that it holds, whoever they came from
    std::string peer;         // where it is called
};

// Sentences for the operator. The numbers are those of docs/MIGRATING.md.
struct MigrationStep {
    unsigned number = 0;
    std::string reached;
    std::string next;
    std::string back;  // empty: there is no way back, or none is needed
};

MigrationStep migration_step(const MigrationFacts& facts);

std::string migration_screen(std::string_view node, const MigrationStep& step);
boost::json::object migration_json(std::string_view node, const MigrationStep& step);

}  // namespace twincached::app
