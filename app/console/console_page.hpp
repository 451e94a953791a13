// The console: one page that lives by /live, out of the files in app/console/page, which CMake puts
// into the program. It is the same for whoever asks, names nothing outside the node but the other
// node's console, and holds no secret and no key. Pure.
#pragma once

#include <string>
#include <string_view>

namespace twincached::app {

// `peer`: the origin of the other node's console, as parse_console_origin() gives it; empty: not
// known, and the page then shows of that node what this one knows.
std::string console_page(std::string_view peer);

// The lines of the answer's head that bind the browser: it runs and paints what is in the page,
// asks this node and `peer`, and lets nobody frame it. A text from elsewhere that became markup by
// mistake would be refused by it, too (trusted types).
std::string console_headers(std::string_view peer);

}  // namespace twincached::app
