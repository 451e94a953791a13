// Where people's browsers find a node's console: the value of `peer-console`, and at the same time
// what a browser that shows that console calls itself when it asks another node (Origin, RFC 6454).
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace twincached::app {

// "http://host:port" or "https://host:port" as a browser writes it: lower case, no path, and
// without the port if that is the scheme's own. Nothing in it has a meaning in HTML, or in a
// header. None: it is no such text.
std::optional<std::string> console_origin(std::string_view text);

}  // namespace twincached::app
