#include "protocol/execution/value_intake.hpp"

#include <cassert>
#include <utility>

namespace twincached::protocol {

ValueIntake::Result ValueIntake::take(Executor& executor, lib::ByteBuffer& input,
                                      const storage::Now& now, const AnnouncedValue& value) {
    auto& store = executor.store();
    if (store.exceeds_limit(value.key.size(), value.bytes, value.client_flags)) {
        executor.refuse_write({value.key, value.is_set, true}, now);
        return Result::too_large;
    }
    if (!store.is_large(value.bytes)) {
        const auto bytes = value.head_bytes + static_cast<std::size_t>(value.bytes);
        return is_here(input, bytes + value.trailer_bytes) ? Result::here : Result::awaited;
    }
    // Its memory is taken before a byte of it has come, so that it need never be moved. Values that
    // have not arrived may hold a part of the store only, lest those that never do keep others out:
    // beyond it a value waits in its client's buffer, which grows as it comes, and those who hold
    // up the others give way to it there. Where it began, it goes on.
    const bool waits_in_input = size_in_input_ > 0;
    auto reserved = waits_in_input ? storage::ValueReservation() : store.reserve(value.bytes, now);
    const bool may_wait = executor.counters().memory.could_hold(value.bytes);
    if (waits_in_input || (!reserved && may_wait)) {
        const auto bytes = value.head_bytes + static_cast<std::size_t>(value.bytes);
        return is_here(input, bytes + value.trailer_bytes) ? Result::here : Result::awaited;
    }
    if (!reserved) {
        executor.refuse_write({value.key, value.is_set, false}, now);
        return Result::no_memory;
    }
    large_ = std::make_unique<LargeValue>();
    large_->announcement = value.announcement;
    large_->reserved = std::move(reserved);
    large_->trailer_bytes = value.trailer_bytes;
    input.consume(value.head_bytes);
    return Result::begun;
}

void ValueIntake::received(std::size_t count) noexcept {
    assert(large_ != nullptr && count <= large_->rest().size());
    large_->received += count;
}

std::unique_ptr<LargeValue> ValueIntake::receive(lib::ByteBuffer& input) noexcept {
    // What came in one read with the head, or with what follows the value, is copied; all between
    // was read straight into its place.
    const auto room = large_->rest();
    const auto here = input.readable().substr(0, room.size());
    std::copy(here.begin(), here.end(), room.begin());
    large_->received += here.size();
    input.consume(here.size());
    if (here.size() < room.size() || input.size() < large_->trailer_bytes) return nullptr;
    return std::exchange(large_, nullptr);
}

Next ValueIntake::swallow(lib::ByteBuffer& input, AnswerWriter& answers) {
    const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(to_swallow_, input.size()));
    input.consume(here);
    to_swallow_ -= here;
    if (to_swallow_ > 0) return Next::read_more;
    answers.write(after_swallowing_);
    return Next::go_on;
}

}  // namespace twincached::protocol
