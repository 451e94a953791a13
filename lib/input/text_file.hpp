// Reads a small file that a person wrote or handed over: a configuration, a secret, passwords, a
// certificate. Start and reload only; blocks as files do, and for 10 s at most where nothing comes.
#pragma once

#include "lib/result.hpp"

#include <cstddef>
#include <string>

namespace twincached::lib {

// More than any of them has; a device that never ends is found out by it.
inline constexpr std::size_t text_file_limit_bytes = std::size_t{4} << 20;

// The error is the reason alone, as the system words it: "Is a directory", "Permission denied". A
// file that cannot be read whole is an error, never an empty one: who takes it for empty runs
// without the secret that it holds. So is a pipe that nobody writes to, which is found out at once.
Parsed<std::string> read_text_file(const std::string& path);

}  // namespace twincached::lib
