// A row of the tables of the text protocol's verbs: what one is called, how its line is read, what
// is done then, and whether that changes what is stored. Each dialect has one table
// (text/classic_verbs.cpp, meta/meta_verbs.cpp, reports/administration.cpp): a new verb is a row
// there, and nothing else knows verbs by name.
#pragma once

#include "protocol/execution/answer.hpp"
#include "protocol/execution/command.hpp"
#include "protocol/execution/effect.hpp"
#include "protocol/execution/turn.hpp"
#include "protocol/next.hpp"
#include "protocol/words.hpp"

#include <string_view>

namespace twincached::protocol {

// From the words behind the verb to a Command. Pure: it neither sees the store nor writes an
// answer, it only names one. Answer::none: the command is to be executed. Otherwise the line is
// refused with that answer; if `has_value` is set, a value of `value_bytes` follows nevertheless
// and is to be swallowed, so that its bytes are not taken for commands.
using ParseFunction = Answer (*)(Words words, Command& command) noexcept;

// Asks the executor and answers. Throws std::bad_alloc if the answer finds no memory: its client is
// closed then. Suspended, it is called again with the same command and with the
// progress that it left in the turn.
using ExecuteFunction = Next (*)(Turn& turn, const Command& command);

// A value follows the line; its length stands so many words behind the key's. 0: none follows.
using LengthWord = unsigned;
inline constexpr LengthWord behind_flags_and_exptime = 3;
inline constexpr LengthWord behind_the_key = 1;

struct Verb {
    std::string_view name;
    ParseFunction parse;
    ExecuteFunction execute;
    Effect effect = Effect::none;
    LengthWord length_word = 0;

    bool changes(const Command& command) const noexcept {
        if (effect != Effect::changes_if_asked) return effect != Effect::none;
        // A win token, which such a request may hand out too, is this node's own affair.
        return command.meta.has('T') || command.meta.has('N');
    }
};

}  // namespace twincached::protocol
