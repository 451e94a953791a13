// The glance of the text protocol; see KeysAhead.
#pragma once

#include "protocol/execution/keys_ahead.hpp"

namespace twincached::protocol {

// Of complete request lines the first key of each; a value behind a line is passed over. It ends at
// a line that is too long to be seen at a glance.
KeysAhead text_keys_ahead(std::string_view input, std::span<std::string_view> keys) noexcept;

}  // namespace twincached::protocol
