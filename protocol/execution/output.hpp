// What a conversation has to say to its client: bytes, and large values that are sent from where
// they lie. One owner, no locks. Segments keep their order. Empty and released, it holds no memory.
#pragma once

#include "lib/byte_buffer.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace twincached::protocol {

class Output {
  public:
    // Where answers are composed. Bytes put here come after everything appended before.
    lib::ByteBuffer& bytes() noexcept { return tail_; }
    void append(std::string_view bytes) { tail_.append(bytes); }
    void append(storage::PinnedValue value);

    // Bytes not yet written, pinned ones included.
    std::size_t size() const noexcept { return queued_size_ + tail_.size(); }
    bool empty() const noexcept { return size() == 0; }
    // What it has allocated, which pinned values are not part of.
    std::size_t held_bytes() const noexcept;

    // Fills `segments` with what is to be written next, in order; returns how many it used.
    std::size_t gather(std::span<std::string_view> segments) const noexcept;
    // The first `count` bytes have been written.
    void consume(std::size_t count) noexcept;
    // Takes back what was put here when this held `size` bytes already. REQUIRES: size <= size().
    void truncate(std::size_t size) noexcept;
    // Gives memory back that an idle client need not hold. REQUIRES: empty().
    void release() noexcept;

  private:
    struct Segment {
        lib::ByteBuffer bytes;        // either this
        storage::PinnedValue pinned;  // or this
        std::string_view rest;        // what of it is still to be written
    };
    // Closed segments, before tail_: those from first_ on are still to be written.
    std::vector<Segment> queue_;
    std::size_t first_ = 0;
    std::size_t queued_size_ = 0;
    lib::ByteBuffer tail_;
};

}  // namespace twincached::protocol
