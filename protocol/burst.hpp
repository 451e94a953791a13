// What the files of a conversation share among themselves; nobody else includes it.
#pragma once

#include "protocol/conversation.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace twincached::protocol {

// A value that is read straight into the store's memory. What announced it, a line or a packet's
// head, is kept and parsed again when the value is there: nothing else needs to be remembered.
struct Conversation::LargeValue {
    std::string announcement;
    storage::ValueReservation reserved;
    std::size_t trailer = 0;  // bytes that must follow the value before it is whole
    std::size_t received = 0;

    std::span<char> rest() const noexcept { return reserved.bytes().subspan(received); }
};

// What one call of `advance` works with.
struct Conversation::Burst {
    lib::ByteBuffer& input;
    Output& output;
    const storage::Now& now;
    AnswerWriter answers;
    std::size_t budget;  // commands that may still be executed

    void spend(std::size_t commands) noexcept { budget -= std::min(budget, commands); }
};

// A complete request line at the front of the input.
struct Conversation::Line {
    std::string_view text;  // without its end
    std::size_t size_with_end;
};

}  // namespace twincached::protocol
