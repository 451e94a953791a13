// The drivers that the suite examines, how two nodes of each are set so that they meet, and how the
// way between them is harmed. A driver is one line in subjects.cpp.
#pragma once

#include "replication/registry.hpp"
#include "test/drivers/network.hpp"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace twincached::test {

// How a node is set: the options of all drivers, one of them chosen.
struct NodeOptions {
    lib::OptionStructs all;
    std::string secret;
};

struct Subject {
    std::string driver;
    // Of two nodes that find each other, anew each time. One alone: a driver for a node alone.
    std::vector<NodeOptions> (*options)();
    // What these two nodes speak over; set so that they do. Null: nothing that a test could harm.
    std::unique_ptr<Network> (*network)(std::vector<NodeOptions>& options) = nullptr;
    // What a node has said is in a log that outlives it: the other reads it there, a moment later.
    bool is_over_a_log = false;

    bool replicates() const { return options().size() > 1; }
};

// The program's drivers and those of tests.
std::span<const replication::ReplicatorFactory> factories();
// A node alone.
NodeOptions options_of_none();

std::vector<Subject> all_drivers();
// Without those for a node alone.
std::vector<Subject> drivers_that_replicate();
std::vector<Subject> drivers_over_networks();

}  // namespace twincached::test
