// The glance of the binary protocol; see KeysAhead.
#pragma once

#include "protocol/execution/keys_ahead.hpp"

namespace twincached::protocol {

// Of packets whose keys are here the key of each, whatever the opcode. It ends at what is none.
KeysAhead binary_keys_ahead(std::string_view input, std::span<std::string_view> keys) noexcept;

}  // namespace twincached::protocol
