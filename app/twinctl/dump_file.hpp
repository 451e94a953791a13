// The file of `twinctl dump`: a line for each item, as /items tells it, between a first line that
// says what it is and a last one that counts them, so that half a file is known for one.
//
//     # twincached dump 1
//     key=user%3A42 version=8837 exp=1795380384 flags=0 size=3 value=Zm9v
//     # end 1
//
// Reads as much of it as a line at a time. One owner.
#pragma once

#include "lib/function_ref.hpp"

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>

namespace twincached::app {

inline constexpr std::string_view dump_begin = "# twincached dump 1\n";
std::string dump_end(std::uint64_t items);

// Calls `take` with each line of an item, until it gives a sentence. A sentence if the file is no
// such one, or is cut off: then what it holds has been taken all the same.
std::string read_dump(std::istream& file,
                      lib::FunctionRef<std::string(std::string_view line)> take);

}  // namespace twincached::app
