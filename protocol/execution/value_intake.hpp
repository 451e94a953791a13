// How the value behind a request comes in, whatever the dialect: a small one is waited for in the
// input, a large one is read straight into the store's memory (or waits in the input as well, if
// others that are still to come hold too much of that), and one that is refused is swallowed, so
// that its bytes are not taken for requests. Sans-I/O; owned by its conversation, whose thread
// alone calls it.
//
//     [ head ][ value ][ trailer ]      head: a line, or a packet's header, extras and key
//                                       trailer: the line end; none in the binary protocol
#pragma once

#include "lib/byte_buffer.hpp"
#include "protocol/execution/answer_writer.hpp"
#include "protocol/execution/executor.hpp"
#include "protocol/next.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::protocol {

// What a request says of the value behind it. The views point into the input.
struct AnnouncedValue {
    std::string_view announcement;  // parsed again when a large value is there
    std::size_t head_bytes = 0;     // that stand before the value in the input
    std::size_t trailer_bytes = 0;  // that must follow it
    std::string_view key;
    std::uint64_t bytes = 0;
    std::uint32_t client_flags = 0;
    bool is_set = false;  // what the key holds gives way even if this is refused
};

// A value that is read straight into the store's memory. What announced it is kept and parsed again
// when the value is there: nothing else needs to be remembered.
struct LargeValue {
    std::string announcement;
    storage::ValueReservation reserved;
    std::size_t trailer_bytes = 0;
    std::size_t received = 0;

    std::span<char> rest() const noexcept { return reserved.bytes().subspan(received); }
};

class ValueIntake {
  public:
    enum class Result : std::uint8_t {
        here,       // whole in the input: size_in_input() bytes with head and trailer
        awaited,    // not yet; the same request is to be looked at again when more has come
        begun,      // large; the head has been consumed
        too_large,  // refused, counted, and not yet swallowed
        no_memory,  // likewise
    };
    // Decides what becomes of a value that a request at the front of the input announces.
    Result take(Executor& executor, lib::ByteBuffer& input, const storage::Now& now,
                const AnnouncedValue& value);

    // Small, of no item's: is the request with so many bytes in all there? If not, as `awaited`.
    bool is_here(const lib::ByteBuffer& input, std::size_t bytes) noexcept {
        size_in_input_ = bytes;
        return input.size() >= bytes;
    }
    std::size_t size_in_input() const noexcept { return size_in_input_; }
    // The request that was waited for has been dealt with.
    void forget() noexcept { size_in_input_ = 0; }

    // Without so many bytes of input nothing can go on.
    std::size_t needed() const noexcept {
        // A large value may be whole without a byte in the input: a packet ends with its value.
        if (large_ != nullptr && large_->rest().empty()) return large_->trailer_bytes;
        return std::max<std::size_t>(size_in_input_, 1);
    }
    bool is_in_value() const noexcept { return large_ != nullptr || size_in_input_ > 0; }

    // Large values. Where the bytes that arrive next belong; empty: into the input.
    bool has_large() const noexcept { return large_ != nullptr; }
    std::span<char> target() noexcept {
        return large_ != nullptr ? large_->rest() : std::span<char>();
    }
    // REQUIRES: count <= target().size().
    void received(std::size_t count) noexcept;
    // Takes what is in the input. Null while the value or its trailer is not there whole; else the
    // value, which then is the caller's; its trailer is at the front of the input.
    std::unique_ptr<LargeValue> receive(lib::ByteBuffer& input) noexcept;

    // The request that it came with is executed again later: it is as if it had just come.
    void put_back(std::unique_ptr<LargeValue> value) noexcept { large_ = std::move(value); }

    // Skips so many bytes of input, which need not be there yet, and then says `answer`.
    void begin_swallowing(std::uint64_t bytes, Answer answer) noexcept {
        to_swallow_ = bytes;
        after_swallowing_ = answer;
    }
    bool is_swallowing() const noexcept { return to_swallow_ > 0; }
    Next swallow(lib::ByteBuffer& input, AnswerWriter& answers);

  private:
    // At most one of the three is under way.
    std::size_t size_in_input_ = 0;  // of a request that waits for its value; 0: none does
    std::unique_ptr<LargeValue> large_;
    std::uint64_t to_swallow_ = 0;
    Answer after_swallowing_ = Answer::none;
};

}  // namespace twincached::protocol
