// The files in app/console/page as they are when the program is made: embed.cmake writes the texts.
#pragma once

#include <string_view>

namespace twincached::app {

extern const std::string_view console_html;
extern const std::string_view console_style;   // all of *.css
extern const std::string_view console_script;  // all of *.js, in the order of their names

}  // namespace twincached::app
