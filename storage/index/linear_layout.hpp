// Where a hash belongs in an array of slots that is linear in the hash (slot = hash * count /
// 2^64) and changes its length in place, one slot after the other:
//
//    growing:    [ old slots ........ | new slots ................ ]   the boundary moves down
//    shrinking:  [ new slots .... | old slots .................... ]   the boundary moves up
//
// What lies in an old slot moves to a slot that is higher (growing) or lower (shrinking) or the
// same, so that no slot is ever needed for both. Whoever owns the slots moves their content.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <optional>

namespace twincached::storage {

__extension__ using Wide = unsigned __int128;

class LinearLayout {
  public:
    explicit LinearLayout(std::uint32_t count) noexcept : from_(count), to_(count) {}

    std::uint32_t locate(std::uint64_t hash) const noexcept {
        const std::uint32_t old_slot = scale(hash, from_);
        if (!is_moving() || !has_moved(old_slot)) return old_slot;
        return scale(hash, to_);
    }
    static std::uint32_t scale(std::uint64_t hash, std::uint32_t count) noexcept {
        return static_cast<std::uint32_t>((Wide{hash} * count) >> 64);
    }

    bool is_moving() const noexcept { return from_ != to_; }
    std::uint32_t target() const noexcept { return to_; }
    // Slots that must be there: the larger of both lengths.
    std::uint32_t span() const noexcept { return std::max(from_, to_); }

    // REQUIRES: !is_moving(), count > 0.
    void begin(std::uint32_t count) noexcept {
        assert(!is_moving() && count > 0);
        to_ = count;
        boundary_ = is_growing() ? from_ : 0;
    }
    // The old slot whose turn it is; its content must be taken out, then `advance` be called,
    // then the content be put where `locate` says. REQUIRES: is_moving().
    std::uint32_t next() const noexcept { return is_growing() ? boundary_ - 1 : boundary_; }
    void advance() noexcept {
        boundary_ = is_growing() ? boundary_ - 1 : boundary_ + 1;
        if (boundary_ == (is_growing() ? 0 : from_)) from_ = to_;
    }
    // The new slots that begin within an old one, as [first, last).
    std::uint32_t first_within(std::uint32_t old_slot) const noexcept {
        return static_cast<std::uint32_t>((std::uint64_t{old_slot} * to_ + from_ - 1) / from_);
    }

    // The first hash that lies in another slot than this one and above it; none at the end.
    std::optional<std::uint64_t> next_hash(std::uint64_t hash) const noexcept {
        const std::uint32_t old_slot = scale(hash, from_);
        if (!is_moving() || !has_moved(old_slot)) return start(old_slot + 1, from_);
        const auto end = start(scale(hash, to_) + 1, to_);
        if (is_growing()) return end;
        const auto boundary = start(boundary_, from_);
        return end ? std::min(*end, *boundary) : *boundary;
    }

  private:
    bool is_growing() const noexcept { return to_ > from_; }
    bool has_moved(std::uint32_t old_slot) const noexcept {
        return is_growing() ? old_slot >= boundary_ : old_slot < boundary_;
    }
    static std::optional<std::uint64_t> start(std::uint32_t slot, std::uint32_t count) noexcept {
        if (slot >= count) return std::nullopt;
        return static_cast<std::uint64_t>(((Wide{slot} << 64) + count - 1) / count);
    }

    std::uint32_t from_;
    std::uint32_t to_;
    std::uint32_t boundary_ = 0;  // slots at or above it (growing), or below it, have moved
};

}  // namespace twincached::storage
