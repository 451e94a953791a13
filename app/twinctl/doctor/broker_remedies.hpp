// What to do about what repl_last_refusal of a cluster's node says. Pure.
#pragma once

#include <string_view>

namespace twincached::app {

// Advice, a sentence without its stop; empty: none is known for that reason.
std::string_view broker_remedy(std::string_view refusal) noexcept;

}  // namespace twincached::app
