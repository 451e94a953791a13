// What ends a line, and a value, of the text protocol.
#pragma once

#include <string_view>

namespace twincached::protocol {

inline constexpr std::string_view line_end = "\r\n";

}  // namespace twincached::protocol
