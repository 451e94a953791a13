// The keys that left the fresh queue lately, as fingerprints of 16 bits: a key that comes back
// while its ghost is here goes straight to the main queue (S3-FIFO). Lines of 64 bytes, each a
// ring of 31 fingerprints, ordered by hash as the index is:
//
//    0      2      4                                       64
//    [ next | print | print | ... 31 of them, 0 = none ... ]    `next` is overwritten next
//
// The line is chosen by the top bits of the hash, the fingerprint is taken from the lower ones. A
// false match costs a place in the main queue, nothing else. Guarded by its shard's lock.
#pragma once

#include "storage/index/linear_layout.hpp"
#include "storage/memory/memory_account.hpp"
#include "storage/memory/reservation.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace twincached::storage {

class Ghosts {
  public:
    Ghosts(MemoryShare& share, const AddressSpace& space, unsigned shard_bits);

    void remember(std::uint64_t hash) noexcept;
    // Is it remembered? Then it is forgotten.
    bool recall(std::uint64_t hash) noexcept;
    // As many ghosts as items: grows in steps, if memory allows; begins anew if it has four times
    // as many.
    void adjust(std::uint64_t items) noexcept;
    // Moves on by so many lines, if their number is changing.
    void step(unsigned lines) noexcept;

    MemoryAccount& account() noexcept { return account_; }
    std::uint64_t bytes() const noexcept { return account_.bytes(); }

  private:
    static constexpr unsigned ring_size = 31;
    struct alignas(64) Line {
        std::uint16_t next;
        std::array<std::uint16_t, ring_size> ring;
    };
    static_assert(sizeof(Line) == 64);

    Line& line_of(std::uint64_t hash) const noexcept {
        return lines()[layout_.locate(hash << shard_bits_)];
    }
    // Bits that neither the position nor, as far as possible, the index's tag uses.
    static std::uint16_t fingerprint(std::uint64_t hash) noexcept {
        const auto print = static_cast<std::uint16_t>(hash >> 4);
        return print == 0 ? std::uint16_t{1} : print;
    }
    Line* lines() const noexcept { return reinterpret_cast<Line*>(lines_.base()); }
    void forget_all() noexcept;
    [[nodiscard]] bool grow_bytes(std::uint32_t lines) noexcept;

    MemoryAccount account_;
    unsigned shard_bits_;
    Reservation lines_;
    LinearLayout layout_{0};  // no line until the first eviction
    std::uint64_t committed_ = 0;
};

}  // namespace twincached::storage
