// Which items of one shard clients have used, as hashes, until the peer is told: hints that keep
// the eviction of a node that sees no reads like that of the one that does. Bounded; what finds no
// room is lost, for a hint is worth no memory and no waiting. Guarded by the shard's lock.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace twincached::replication {

class Hints {
  public:
    // Enough for 50,000 in a second and shard: the peer is told every 20 ms.
    static constexpr std::size_t limit = 1024;

    // False: there is no room.
    bool add(std::uint64_t hash) noexcept {
        if (size_ == limit) return false;
        hashes_[size_++] = hash;
        return true;
    }
    std::size_t size() const noexcept { return size_; }
    // All of them, in the order in which they came; copied, so that the lock need not be held
    // while they are sent.
    std::size_t take(std::span<std::uint64_t, limit> into) noexcept {
        const auto count = size_;
        std::copy_n(hashes_.begin(), count, into.begin());
        size_ = 0;
        return count;
    }
    void clear() noexcept { size_ = 0; }

  private:
    std::array<std::uint64_t, limit> hashes_{};
    std::size_t size_ = 0;
};

}  // namespace twincached::replication
