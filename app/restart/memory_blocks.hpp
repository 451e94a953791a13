// The blocks that a memory file is made of: written one behind the other, read back, each guarded
// by a checksum. Files and bytes only; what is in the blocks is memory_file.hpp's business. One
// owner, one thread.
//
//    0        4      5         8         16
//    [ crc32c | type | 0 0 0   | length  ] payload ...      all little-endian
//    the sum is of everything behind it
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace twincached::app {

enum class BlockType : std::uint8_t {
    header = 1,
    replication = 2,  // what the replicator remembers
    items = 3,
    large_item = 4,  // one, whose value is read straight to where it will stay
    end = 5,         // how many items there were
};

using Deadline = std::chrono::steady_clock::time_point;

class BlockWriter {
  public:
    BlockWriter(int descriptor, Deadline deadline) noexcept
        : descriptor_(descriptor), deadline_(deadline) {}

    // Before the first block: what tells the file's kind.
    bool write_raw(std::string_view bytes) { return write_all(bytes); }
    // The payload is the parts, one behind the other. False: problem() says why.
    bool write(BlockType type, std::initializer_list<std::string_view> parts);

    std::uint64_t bytes() const noexcept { return bytes_; }
    const std::string& problem() const noexcept { return problem_; }

  private:
    bool write_all(std::string_view bytes);

    int descriptor_;
    Deadline deadline_;
    std::uint64_t bytes_ = 0;
    std::string problem_;
};

class BlockReader {
  public:
    BlockReader(int descriptor, Deadline deadline) noexcept
        : descriptor_(descriptor), deadline_(deadline) {}

    struct Head {
        BlockType type{};
        std::uint64_t length = 0;
    };
    // The next block's head; its payload must be read before the next one. Nothing: problem().
    std::optional<Head> next();
    // The next bytes of the payload. REQUIRES: not more than are left of it.
    bool read(std::span<char> to);
    // After the last byte of the payload: is the sum right?
    bool is_sound();
    // The whole payload, checked.
    bool read_payload(std::string& to);
    // Nothing may follow.
    bool is_at_end();

    std::uint64_t bytes() const noexcept { return bytes_; }
    const std::string& problem() const noexcept { return problem_; }

  private:
    bool read_all(char* to, std::size_t count);
    bool fail(std::string_view why);
    void give_back_pages() noexcept;

    int descriptor_;
    Deadline deadline_;
    Head head_;
    std::uint32_t sum_ = 0;
    std::uint32_t expected_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t given_back_ = 0;
    std::string problem_;
};

}  // namespace twincached::app
