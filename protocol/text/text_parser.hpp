// From the words of a classic request line to a Command: one function per shape of line. Pure
// functions on views; see ParseFunction (execution/verb.hpp) for what they return.
#pragma once

#include "protocol/execution/answer.hpp"
#include "protocol/execution/command.hpp"
#include "protocol/execution/get_run.hpp"
#include "protocol/words.hpp"

#include <cstddef>
#include <cstring>
#include <string_view>

namespace twincached::protocol {

// A retrieval with more bytes of keys than this is not looked over here but by its verb, in slices:
// a line of 8 MiB takes its time, and is parsed again whenever its answer goes on.
inline constexpr std::size_t long_retrieval_bytes = 2048;
constexpr bool is_long_retrieval(const Command& command) noexcept {
    return command.arguments.size() > long_retrieval_bytes;
}

Answer parse_retrieval(Words words, Command& command) noexcept;        // get gets
Answer parse_touch_retrieval(Words words, Command& command) noexcept;  // gat gats
Answer parse_storage(Words words, Command& command) noexcept;          // set add replace ...
Answer parse_compare_storage(Words words, Command& command) noexcept;  // cas
Answer parse_delete(Words words, Command& command) noexcept;
Answer parse_arithmetic(Words words, Command& command) noexcept;  // incr decr
Answer parse_touch(Words words, Command& command) noexcept;

// Complete lines `get <key>` and `gets <key>`. The first question is asked of every line, and so
// costs little: where the key begins; 0: the line begins with neither.
inline std::size_t key_of_get(std::string_view text) noexcept {
    constexpr char verb[] = {'g', 'e', 't'};
    constexpr std::size_t shortest = std::string_view("get k\n").size();
    if (text.size() < shortest || std::memcmp(text.data(), verb, sizeof verb) != 0) return 0;
    if (text[3] == ' ') return 4;
    return text[3] == 's' && text[4] == ' ' ? 5 : 0;
}
// Of a request of the run: whether its answer shows the CAS unique.
inline bool is_gets(std::string_view request) noexcept {
    return request[3] == 's';
}
void scan_gets(GetRun& run) noexcept;

}  // namespace twincached::protocol
