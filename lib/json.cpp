#include "lib/json.hpp"

#include <boost/json/src.hpp>

namespace twincached::lib {

boost::json::value json_number(std::string_view text) {
    boost::json::error_code error;
    auto value = boost::json::parse(text, error);
    if (error || !value.is_number()) return nullptr;
    return value;
}

}  // namespace twincached::lib
