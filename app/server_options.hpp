// The server's options: where the rows of all modules are joined, with the rules that concern
// options of several modules. The only place that knows which modules there are.
#pragma once

#include "app/options/option_table.hpp"

namespace twincached::app {

const OptionTable& server_option_table();

}  // namespace twincached::app
