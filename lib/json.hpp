// Boost.JSON, compiled once with the program: Debian's library of it would be one more to install.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <string_view>

namespace twincached::lib {

// A decimal fraction as printed by this program; null if it is none.
boost::json::value json_number(std::string_view text);

}  // namespace twincached::lib
