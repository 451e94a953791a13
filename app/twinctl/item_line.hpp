// A line of /keys or /items, and of a dump: words that say what they are. Pure.
//
//     key=user%3A42 version=8837 exp=1795380384 flags=0 size=3 [stale=yes] [value=Zm9v]
#pragma once

#include "storage/version.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::app {

struct ItemLine {
    std::string key;        // as clients know it: any bytes
    std::string shown_key;  // as it stands in the line: percent-encoded
    storage::Version version = 0;
    std::int64_t expires = -1;  // in Unix time; -1: never
    std::uint32_t flags = 0;
    std::uint64_t size = 0;
    bool is_stale = false;
    std::string_view value_text;  // in base64; of the line that it was read from
};

// Words that it does not know it passes over: a later version may have more. None if the line is no
// such line.
std::optional<ItemLine> parse_item_line(std::string_view line);

// "user:42" is "user%3A42".
std::string percent_encoded(std::string_view text);

}  // namespace twincached::app
