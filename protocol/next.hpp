// How it goes on after a step: the one word that verbs, readers, the conversation and its session
// say to each other.
#pragma once

#include <cstdint>

namespace twincached::protocol {

enum class Next : std::uint8_t {
    go_on,           // with the next request; never said to a session
    read_more,       // nothing can be done before more has arrived
    write_first,     // the output is full, or what it holds must leave before the next answer
    yield,           // others are to have their turn first
    await_login,     // a login is being judged; the origin's waker says when it has been
    await_decision,  // another node decides the request; the origin's waker says when it has
    close,           // when everything in the output has been written
};

// Said by a verb: it has something to answer still, and the same request is executed again later.
constexpr bool is_suspended(Next next) noexcept {
    return next == Next::write_first || next == Next::yield || next == Next::await_decision;
}

}  // namespace twincached::protocol
