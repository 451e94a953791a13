// Makes a history that ends in a violation short: leaves out what it can do without. Each try runs
// the world anew, so their number is bounded; what is found is short, not the shortest.
#pragma once

#include "test/simulation/world.hpp"

#include <string>
#include <vector>

namespace twincached::simulation {

struct Shrunk {
    std::vector<unsigned> steps;
    std::string violation;
    std::size_t before = 0;  // how many steps there were
};

// REQUIRES: a world with these options ends in a violation.
Shrunk shrink(const KeyPool& pool, WorldOptions options);

// "3,17-19,40", and back. What is not such a list gives no steps.
std::string to_text(const std::vector<unsigned>& steps);
std::vector<unsigned> steps_from(const std::string& text);

}  // namespace twincached::simulation
