// One client's conversation, without a socket: bytes in, answers out. It gives the same answers
// however its input is split. Owned by one session, called by one thread.
//
// The session's loop:
//     read into conversation.value_target() if it is not empty, else into `input`;
//     tell it (value_received) or do nothing;
//     next = conversation.advance(input, output, now);
//     read_more   -> write what `output` holds, then read
//     write_first -> write until `output` is empty, then advance again (output high-water mark)
//     yield       -> write, let others run, then advance again (command budget, -R)
//     close       -> write what `output` holds, then close
#pragma once

#include "lib/byte_buffer.hpp"
#include "protocol/output.hpp"
#include "protocol/service.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace twincached::protocol {

enum class Next : std::uint8_t { read_more, write_first, yield, close };

// What a conversation is in the middle of, for `stats conns` and for deadlines.
enum class Phase : std::uint8_t { idle, in_line, in_value, swallowing, closing };

class Conversation {
  public:
    // Both must outlive it. `counters` belong to the calling thread.
    Conversation(Service& service, ThreadCounters& counters) noexcept;
    ~Conversation();

    Next advance(lib::ByteBuffer& input, Output& output, const storage::Now& now) noexcept;

    // While a large value arrives: where its bytes belong. Empty: read into the input buffer.
    std::span<char> value_target() noexcept;
    void value_received(std::size_t count) noexcept;

    Phase phase() const noexcept;
    // True if the connection may be closed without cutting a request or an answer.
    bool at_boundary() const noexcept { return phase() == Phase::idle; }
};

}  // namespace twincached::protocol
