// Takes the binary protocol's requests out of a conversation's input: a packet's head, and the
// value in it where the opcode has one. What contradicts itself is answered and then closed,
// because nobody can know where the next packet begins. It remembers nothing: a packet that is not
// whole is parsed again when more has come. Owned by its conversation, whose thread alone calls it.
#pragma once

#include "protocol/binary/binary_request.hpp"
#include "protocol/execution/burst.hpp"

#include <cstddef>

namespace twincached::protocol {

class PacketReader {
  public:
    // The request at the front of the input. REQUIRES: the input is not empty, and no value that
    // was begun or refused is under way.
    Next next(Burst& burst);
    // A large value is there; nothing follows it.
    Next finish_large(Burst& burst, LargeValue& value);

  private:
    bool answer_run(Burst& burst);
    Next refuse(Burst& burst, const BinaryRequest& request);
    Next run(Burst& burst, const BinaryRequest& request);
    Next log_in(Burst& burst, const BinaryRequest& request);
    Next take_value(Burst& burst, const BinaryRequest& request);
    Next swallow_body(Burst& burst, const BinaryRequest& request);
    Next execute(Burst& burst, const BinaryRequest& request, Turn& turn, std::size_t consumed);
};

}  // namespace twincached::protocol
