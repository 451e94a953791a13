// The buffers that sessions of one thread work in. A session holds memory of its own only while a
// request or an answer is half done; all others share these, so that an idle client costs none.
// One per io thread, used by that thread only.
#pragma once

#include "lib/byte_buffer.hpp"
#include "protocol/execution/output.hpp"

#include <array>
#include <cstddef>
#include <memory>

namespace twincached::app {

class SessionBuffers {
  public:
    // What is asked of the kernel in one read, and so what a full pipeline is answered in.
    static constexpr std::size_t read_size = 64 * 1024;
    // A shared buffer that grew beyond this goes back to its size.
    static constexpr std::size_t kept_limit = 512 * 1024;

    // For the length of one turn of a session: empty, with read_size bytes of room.
    lib::ByteBuffer take_input() {
        auto buffer = std::move(input_);
        buffer.prepare(read_size);
        return buffer;
    }
    void give_back(lib::ByteBuffer buffer) noexcept {
        buffer.clear();
        if (buffer.capacity() <= kept_limit) input_ = std::move(buffer);
    }

    std::unique_ptr<protocol::Output> take_output() {
        if (!output_) return std::make_unique<protocol::Output>();
        return std::move(output_);
    }
    // REQUIRES: empty.
    void give_back(std::unique_ptr<protocol::Output> output) noexcept {
        if (output->bytes().capacity() > kept_limit) output->release();
        output_ = std::move(output);
    }

    // For the length of one turn of a session with TLS, one for each direction: empty.
    lib::ByteBuffer take_ciphertext() noexcept {
        for (auto& buffer : ciphertext_) {
            if (buffer.capacity() > 0) return std::move(buffer);
        }
        return {};
    }
    void give_back_ciphertext(lib::ByteBuffer buffer) noexcept {
        buffer.clear();
        if (buffer.capacity() > kept_limit) return;
        for (auto& free : ciphertext_) {
            if (free.capacity() > 0) continue;
            free = std::move(buffer);
            return;
        }
    }

  private:
    std::array<lib::ByteBuffer, 2> ciphertext_;
    lib::ByteBuffer input_;
    std::unique_ptr<protocol::Output> output_;
};

}  // namespace twincached::app
