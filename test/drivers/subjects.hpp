// The drivers that the suite examines, and how two nodes of each are set so that they meet. A
// driver is one line in subjects.cpp.
#pragma once

#include "replication/registry.hpp"

#include <array>
#include <span>
#include <string>
#include <vector>

namespace twincached::test {

struct Subject {
    std::string driver;
    // Of two nodes that find each other, anew each time. One alone: a driver for a node alone.
    std::vector<replication::Options> (*options)();

    bool replicates() const { return options().size() > 1; }
};

// The program's drivers and those of tests.
std::span<const replication::ReplicatorFactory> factories();

std::vector<Subject> all_drivers();
// Without those for a node alone.
std::vector<Subject> drivers_that_replicate();

}  // namespace twincached::test
