// Looks at every history within the bounds, shortest first, so that the first violation found is a
// shortest one.
#pragma once

#include "test/model/checker.hpp"
#include "test/model/moves.hpp"

#include <cstdint>
#include <vector>

namespace twincached::model {

struct Verdict {
    Violation violation = Violation::none;
    bool complete = true;       // false: it gave up at the limit of states or steps
    std::uint64_t states = 0;   // of a search: different ones; of a walk: steps taken
    std::uint64_t at_rest = 0;  // of these, how many had the pair at rest
    unsigned depth = 0;         // moves of the longest history, or of the violating one
    std::uint64_t seed = 0;     // of the walk that found it
    std::vector<Move> history;  // to the violation
};

State first_state(const Rules& rules);

Verdict search(const Rules& rules, std::uint64_t most_states);

}  // namespace twincached::model
