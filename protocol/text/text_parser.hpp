// From the words of a request line to a Command: one function per shape of line. Pure functions
// on views; they neither see the store nor write an answer, they only name one.
//
// A function returns Answer::none if the command is to be executed. Otherwise the line is refused
// with that answer; if `has_value` is set, a value of `value_bytes` follows nevertheless and is to
// be swallowed, so that its bytes are not taken for commands.
#pragma once

#include "protocol/execution/answer.hpp"
#include "protocol/execution/command.hpp"
#include "protocol/words.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace twincached::protocol {

using ParseFunction = Answer (*)(Words words, Command& command) noexcept;

// memcached refuses what does not fit an int, counting the line end that follows the value.
inline constexpr std::uint64_t announced_value_limit = (std::uint64_t{1} << 31) - 3;

Answer parse_retrieval(Words words, Command& command) noexcept;        // get gets
Answer parse_touch_retrieval(Words words, Command& command) noexcept;  // gat gats
Answer parse_storage(Words words, Command& command) noexcept;          // set add replace ...
Answer parse_compare_storage(Words words, Command& command) noexcept;  // cas
Answer parse_delete(Words words, Command& command) noexcept;
Answer parse_arithmetic(Words words, Command& command) noexcept;  // incr decr
Answer parse_touch(Words words, Command& command) noexcept;
Answer parse_flush(Words words, Command& command) noexcept;
Answer parse_verbosity(Words words, Command& command) noexcept;
// The rest of the line is for the verb itself to look at.
Answer parse_words(Words words, Command& command) noexcept;

// Notes the length of a value that follows the line; false if it is no length.
bool announce_value(std::string_view length, Command& command) noexcept;

// The run of complete single-key `get` lines that `input` begins with: clients that pipeline send
// these by the dozen, and the store answers many keys faster than one after another.
struct GetRun {
    std::size_t count = 0;  // of keys
    std::size_t bytes = 0;  // of input that they took
};
GetRun scan_get_run(std::string_view input, std::span<std::string_view> keys) noexcept;

}  // namespace twincached::protocol
