// Traces that are made up, each of one kind of behaviour that caches get wrong: what they are good
// for is known beforehand, and another seed gives another trace of the same kind.
#pragma once

#include "test/bench/misses/trace.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace twincached::misses {

struct Making {
    std::uint64_t seed = 1;
    std::size_t requests = 1'000'000;
    double size_scale = 1;  // of all values
};

// In the order in which they are shown.
std::vector<std::string> generated_kinds();
// REQUIRES: `kind` is one of them.
Trace generate(const std::string& kind, const Making& making);

}  // namespace twincached::misses
