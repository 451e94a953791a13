// The command line: memcached's (1.2.8 to 1.6) and repcached's flags, ours, and --config. Split
// by Boost.Program_options, given meaning by the reader's option table.
#pragma once

#include "app/options/option_reader.hpp"

#include <string>
#include <vector>

namespace twincached::app {

// `arguments` without the program's name. The file that --config names is read first, whatever
// its place. Complaints are the reader's; finish() is called.
void read_command_line(const std::vector<std::string>& arguments, OptionReader& reader);

}  // namespace twincached::app
