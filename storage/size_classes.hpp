// memcached's size classes, kept only for reports: which class an item would be in there, and how
// many bytes memcached would account it with. Immutable; any thread.
#pragma once

#include "storage/operations.hpp"
#include "storage/stats.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace twincached::storage {

// memcached's item header, and the room for a CAS unique.
inline constexpr std::uint64_t accounted_header_bytes = 48;
inline constexpr std::uint64_t accounted_cas_bytes = 8;
inline constexpr std::uint64_t item_chunk_alignment = 8;

// The key ends in a zero byte there, the value in "\r\n".
constexpr std::uint64_t accounted_bytes(std::size_t key_bytes, std::uint64_t value_bytes,
                                        std::uint32_t client_flags) noexcept {
    return accounted_header_bytes + accounted_cas_bytes + (client_flags != 0 ? 4U : 0U) +
           key_bytes + 1 + value_bytes + 2;
}
constexpr std::uint64_t accounted_bytes(const ItemView& item) noexcept {
    return accounted_bytes(item.key.size(), item.value.size(), item.client_flags);
}

class SizeClasses {
  public:
    // -f and -n of the command line. REQUIRES: growth_factor > 1.
    SizeClasses(double growth_factor, std::uint32_t chunk_size_min);

    // 1 to count(); what is larger than the largest chunk belongs to the last class.
    unsigned of(std::uint64_t accounted) const noexcept {
        if (accounted <= table_bytes) return table_[(accounted + 7) / 8];
        return search(accounted);
    }
    unsigned count() const noexcept { return count_; }
    // REQUIRES: 1 <= id <= count().
    std::uint32_t chunk_bytes(unsigned id) const noexcept { return chunks_[id]; }

  private:
    static constexpr std::uint64_t table_bytes = 16 * 1024;

    unsigned search(std::uint64_t accounted) const noexcept;

    unsigned count_ = 0;
    std::array<std::uint32_t, size_class_limit> chunks_{};
    std::array<std::uint8_t, table_bytes / 8 + 1> table_{};  // the class of each size up to 16 KiB
};

}  // namespace twincached::storage
