// All verbs that a line of the text protocol may begin with: the classic, the meta and the
// administrative ones. Their rows are in their dialects' tables (see Verb); here they are only
// looked up. Pure functions.
#pragma once

#include "protocol/execution/verb.hpp"

#include <string_view>

namespace twincached::protocol {

// nullptr if there is no such verb.
const Verb* find_verb(std::string_view name) noexcept;

// Does the line end as an HTTP request does? Then it is one, wherever it stands.
bool names_http(std::string_view line) noexcept;

// Splits off the verb and parses the rest into `command`; `verb` is what to execute, null if there
// is none of that name. Returns the answer of refusal, as ParseFunction does; Answer::hang_up for
// what an HTTP client sends.
Answer parse_line(std::string_view line, const Verb*& verb, Command& command) noexcept;

}  // namespace twincached::protocol
