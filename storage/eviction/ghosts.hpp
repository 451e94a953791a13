// The keys that were evicted lately, as fingerprints: a key that comes back while its ghost is here
// was worth more than was thought. Lines of 64 bytes, each a ring of 31 fingerprints, ordered by
// hash as the index is:
//
//    0      2      4                                       64
//    [ next | print | print | ... 31 of them, 0 = none ... ]    `next` is overwritten next
//
//    print: [ left the main queue 1 | bits of the hash 15 ]
//
// The line is chosen by the top bits of the hash, the fingerprint is taken from the lower ones. A
// false match costs a place in the main queue, nothing else. How long ago a ghost was remembered
// follows from its distance to `next`: about so many in each line. Guarded by its shard's lock.
#pragma once

#include "storage/index/linear_layout.hpp"
#include "storage/memory/memory_account.hpp"
#include "storage/memory/reservation.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace twincached::storage {

struct Ghost {
    bool left_main = false;
    unsigned age = 0;  // how many of its line are younger: 0 to 30
};

class Ghosts {
  public:
    Ghosts(MemoryShare& share, const AddressSpace& space, unsigned shard_bits);

    void remember(std::uint64_t hash, bool left_main = false) noexcept;
    // What is remembered of it, which is then forgotten.
    std::optional<Ghost> recall(std::uint64_t hash) noexcept;
    // About how many have been remembered since that one was.
    std::uint64_t remembered_since(const Ghost& ghost) const noexcept {
        return std::uint64_t{ghost.age} * layout_.target();
    }
    // As many ghosts as items, or twice as many where the oldest are recalled, too, and not by
    // chance: grows in steps, if memory allows; begins anew if it has four times as many.
    void adjust(std::uint64_t items) noexcept;
    // Moves on by so many lines, if their number is changing.
    void step(unsigned lines) noexcept;

    MemoryAccount& account() noexcept { return account_; }
    std::uint64_t bytes() const noexcept { return account_.bytes(); }

  private:
    static constexpr unsigned ring_size = 31;
    static constexpr std::uint16_t main_bit = 1U << 15;
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
        const auto print = static_cast<std::uint16_t>((hash >> 4) & (main_bit - 1U));
        return print == 0 ? std::uint16_t{1} : print;
    }
    static bool is_of(std::uint16_t entry, std::uint16_t print) noexcept {
        return (entry & (main_bit - 1U)) == print;
    }
    Line* lines() const noexcept { return reinterpret_cast<Line*>(lines_.base()); }
    void note_recall(const Ghost& ghost) noexcept;
    void forget_all() noexcept;
    [[nodiscard]] bool grow_bytes(std::uint32_t lines) noexcept;

    MemoryAccount account_;
    unsigned shard_bits_;
    Reservation lines_;
    LinearLayout layout_{0};  // no line until the first eviction
    std::uint64_t committed_ = 0;
    // Of late: how often it was asked, what of that was recalled, and what of that was nearly
    // forgotten.
    std::uint32_t asked_ = 0;
    unsigned recalls_ = 0;
    unsigned old_recalls_ = 0;
    bool reaches_far_ = false;
};

}  // namespace twincached::storage
