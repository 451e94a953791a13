// The one table of verbs: what each is called, how its line is read, and what is done then. A new
// verb of the text protocol is a line here and a function in one of the files named below.
#pragma once

#include "protocol/execution/turn.hpp"
#include "protocol/text/text_parser.hpp"

#include <string_view>

namespace twincached::protocol {

struct VerbEntry {
    std::string_view name;
    Verb verb;
    ParseFunction parse;
    ExecuteFunction execute;
};

// nullptr if there is no such verb.
const VerbEntry* find_verb(std::string_view name) noexcept;

// Does the line end as an HTTP request does? Then it is one, wherever it stands.
bool names_http(std::string_view line) noexcept;

// Splits off the verb and parses the rest into `command`; `entry` is what to execute. Returns the
// answer of refusal, as ParseFunction does; Answer::hang_up for what an HTTP client sends.
Answer parse_line(std::string_view line, const VerbEntry*& entry, Command& command) noexcept;

}  // namespace twincached::protocol
