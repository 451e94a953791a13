// What single options allow but several together do not. Pure.
#pragma once

#include "app/options/option_reader.hpp"

namespace twincached::app {

// Complains to the reader, with the place of the option that is to blame.
void check_together(OptionReader& reader);

}  // namespace twincached::app
