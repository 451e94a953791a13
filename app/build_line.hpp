// What --version says of this very program, below its first line, which tools for memcached read:
// the commit and the compiler that it was built by. No date: the same sources give the same
// program.
#pragma once

#include <string>

namespace twincached::app {

// One line and its end: "built from 1a2b3c4d5e6f by g++ 12.2.0". Where no commit was named, as in
// builds that are not optimised, it says "an unnamed commit".
std::string build_line();

}  // namespace twincached::app
