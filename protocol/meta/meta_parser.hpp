// From the words of a meta command to a Command: its key, decoded if it came as base64, and its
// flags. Pure functions on views; see ParseFunction (execution/verb.hpp) for what they return.
//
// One pass checks every flag that any meta command knows; a flag that does not belong to the
// command at hand is accepted and ignored, as memcached does.
#pragma once

#include "protocol/execution/answer.hpp"
#include "protocol/execution/command.hpp"
#include "protocol/words.hpp"

#include <cstddef>

namespace twincached::protocol {

// Longer tokens of O are refused.
inline constexpr std::size_t opaque_limit = 31;

// What stands where a flag should, but is none: not even its length can be trusted.
constexpr bool is_flag_letter(char letter) noexcept {
    return letter >= 'A' && letter <= 'z';
}

Answer parse_meta_get(Words words, Command& command) noexcept;
Answer parse_meta_set(Words words, Command& command) noexcept;
Answer parse_meta_delete(Words words, Command& command) noexcept;
Answer parse_meta_arithmetic(Words words, Command& command) noexcept;
Answer parse_meta_debug(Words words, Command& command) noexcept;

}  // namespace twincached::protocol
