// A memory file as a test writes it: every sum is right, and every number what the test says.
// Bytes only; app/restart reads them.
#pragma once

#include "app/restart/memory_blocks.hpp"
#include "app/restart/memory_file.hpp"
#include "lib/crc32c.hpp"
#include "lib/endian.hpp"
#include "storage/shard/saved_item.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::app {

class MemoryFileImage {
  public:
    MemoryFileImage() : bytes_("TWINMEM1") {}

    MemoryFileImage& block(BlockType type, std::string_view payload) {
        std::string head(16, '\0');
        head[4] = static_cast<char>(type);
        lib::store_little(head.data() + 8, std::uint64_t{payload.size()});
        const auto sum = lib::crc32c(payload, lib::crc32c(std::string_view(head).substr(4)));
        lib::store_little(head.data(), sum);
        bytes_.append(head).append(payload);
        return *this;
    }
    MemoryFileImage& header(const MemoryHeader& header) {
        const auto& registers = header.registers;
        std::string payload;
        for (const std::uint64_t number :
             {header.node, header.hash_check, static_cast<std::uint64_t>(header.clocks.boot_ns),
              static_cast<std::uint64_t>(header.clocks.real_ns), header.steady_ms,
              registers.version_time, registers.flush_version, registers.schedule.at_steady_ms,
              registers.schedule.version, std::uint64_t{registers.schedule_is_own}})
            payload += text_of(number);
        return block(BlockType::header, payload).block(BlockType::replication, "");
    }
    MemoryFileImage& item(const storage::SavedItem& item, BlockType type = BlockType::items) {
        std::array<char, storage::saved_item_head_most> head{};
        std::string payload(head.data(), storage::write_head(item, head.data()));
        ++items_;
        return block(type, payload.append(item.value));
    }
    MemoryFileImage& end() { return block(BlockType::end, text_of(items_)); }

    const std::string& bytes() const noexcept { return bytes_; }

  private:
    static std::string text_of(std::uint64_t number) {
        std::string text(sizeof number, '\0');
        lib::store_little(text.data(), number);
        return text;
    }

    std::string bytes_;
    std::uint64_t items_ = 0;
};

}  // namespace twincached::app
