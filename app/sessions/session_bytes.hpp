// What of one client's bytes is half done: a request half received, an answer half sent. During a
// turn they lie in buffers that all sessions of the thread share; between turns only what is left
// has memory of its own, and that is counted for the limit on all clients (buffer-memory). Owned by
// the session; its io thread alone calls it.
#pragma once

#include "app/sessions/session_buffers.hpp"
#include "lib/byte_buffer.hpp"
#include "protocol/execution/client_memory.hpp"
#include "protocol/execution/output.hpp"

#include <cstddef>
#include <memory>

namespace twincached::app {

class SessionBytes {
  public:
    // Both ends of a turn. Throw std::bad_alloc; the session is over then.
    void borrow(SessionBuffers& buffers);
    void give_back(SessionBuffers& buffers);

    lib::ByteBuffer& input() noexcept { return input_; }
    const lib::ByteBuffer& input() const noexcept { return input_; }
    // REQUIRES: a turn, or has_output().
    protocol::Output& output() noexcept { return *output_; }
    const protocol::Output& output() const noexcept { return *output_; }
    // Between turns: an answer is half sent.
    bool has_output() const noexcept { return output_ != nullptr; }

    // Between turns, what is held is counted anew; at the end of the session as nothing.
    void count_held(protocol::ClientMemory& memory) noexcept;
    void count_nothing(protocol::ClientMemory& memory) noexcept;
    // As counted last; of it, an answer.
    std::size_t held() const noexcept { return request_.bytes() + answer_.bytes(); }
    bool holds_answer() const noexcept { return answer_.bytes() > 0; }

  private:
    lib::ByteBuffer input_;
    std::unique_ptr<protocol::Output> output_;  // null: nothing
    protocol::ClientMemory::Holding request_;
    protocol::ClientMemory::Holding answer_;
};

}  // namespace twincached::app
