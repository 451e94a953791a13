// What must hold. Some of it is looked at while rules run (Violation in state.hpp); here is what
// must hold of a state as such, above all of a pair at rest: linked, nothing on its way, nothing
// left to say.
#pragma once

#include "test/model/actor.hpp"

#include <string_view>

namespace twincached::model {

bool is_at_rest(const State& state) noexcept;

// Of a state that no protocol move leads out of, `idle`, or of any other.
Violation check(const Rules& rules, const State& state, bool idle) noexcept;

std::string_view sentence_of(Violation violation) noexcept;

}  // namespace twincached::model
