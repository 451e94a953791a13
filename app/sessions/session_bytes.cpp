#include "app/sessions/session_bytes.hpp"

#include <utility>

namespace twincached::app {
namespace {

// A long line or value: it grows where it is, and is not copied from turn to turn.
bool is_long(const lib::ByteBuffer& input) noexcept {
    return input.size() > SessionBuffers::read_size / 2;
}

}  // namespace

void SessionBytes::borrow(SessionBuffers& buffers) {
    if (!output_) output_ = buffers.take_output();
    auto shared = buffers.take_input();
    if (is_long(input_)) return buffers.give_back(std::move(shared));
    shared.append(input_.readable());
    input_ = std::move(shared);
}

void SessionBytes::give_back(SessionBuffers& buffers) {
    if (output_->empty()) buffers.give_back(std::move(output_));
    if (is_long(input_)) return;
    lib::ByteBuffer rest;
    rest.append(input_.readable());
    buffers.give_back(std::move(input_));
    input_ = std::move(rest);
}

void SessionBytes::count_held(protocol::ClientMemory& memory) noexcept {
    memory.hold_request(request_, input_.capacity());
    memory.hold_answer(answer_, output_ ? output_->held_bytes() : 0);
}

void SessionBytes::count_nothing(protocol::ClientMemory& memory) noexcept {
    memory.hold_request(request_, 0);
    memory.hold_answer(answer_, 0);
}

}  // namespace twincached::app
