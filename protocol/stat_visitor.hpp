// How a report hands out its lines: it calls the visitor with each key and value, in order. The
// views live for the length of the call.
#pragma once

#include "lib/function_ref.hpp"

#include <string_view>

namespace twincached::protocol {

using StatVisitor = lib::FunctionRef<void(std::string_view key, std::string_view value)>;

}  // namespace twincached::protocol
