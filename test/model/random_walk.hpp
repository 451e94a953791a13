// Histories taken at random: for bounds that no search can exhaust. Equal seeds take equal walks.
#pragma once

#include "test/model/search.hpp"

#include <cstdint>

namespace twincached::model {

// Walks until `steps` are taken or something is wrong. Each walk has a seed of its own, counted up
// from `seed`, so that the verdict's seed alone repeats it.
Verdict random_walk(const Rules& rules, std::uint64_t steps, std::uint64_t seed);

}  // namespace twincached::model
