// The option table as the parts of the manual pages that list options, in mdoc(7): of the command
// line for twincached(8), of the file for twincached.conf(5). The rest of the pages is written by
// hand, in conf/man; so the two cannot say different things. Pure.
#pragma once

#include "app/options/option_table.hpp"

#include <string>

namespace twincached::app {

// Every flag and word, by sections.
std::string manual_of_flags(const OptionTable& table);

// Every key that the file has, by sections, with what it takes and its default.
std::string manual_of_keys(const OptionTable& table);

}  // namespace twincached::app
