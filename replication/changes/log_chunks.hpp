// The memory of a change log: entries lie one behind the other in chunks, at positions that grow
// for ever. A chunk is taken when the log grows into it and given back when the log has left it, so
// that an empty log costs next to nothing; a few are kept, for a log that breathes must not ask the
// system for each of its chunks. Knows no order but that of positions. Not thread-safe: guarded by
// the shard's lock.
//
//      position:  |..........|..........|..........|      an entry never straddles two chunks:
//      chunks:    [ e e e e .][ e e e e e][ e e          `.` is what it leaves unused for that
#pragma once

#include "storage/version.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace twincached::replication {

// One change of one key. The key's bytes follow it.
struct LogEntry {
    storage::Version version;
    std::uint64_t hash;
    std::uint32_t size_hint;  // of a wanted entry: about the bytes that it will send
    std::uint8_t key_size;    // 0: none, the rest of the chunk is unused
    bool live : 1;            // false: passed over
    bool present : 1;         // of the newest entry of a key: the store holds the key
    bool touch_only : 1;      // nothing but the expiry changed
    bool wanted : 1;          // the peer asked for it: send it even if it is the peer's own

    std::string_view key() const noexcept {
        return {reinterpret_cast<const char*>(this + 1), key_size};
    }
};

// A place in the log; 0 is no place.
using LogPosition = std::uint64_t;

class LogChunks {
  public:
    // Of positions and of what an entry takes.
    static constexpr std::size_t alignment = 8;
    // The longest entry fits into the smallest chunk.
    static constexpr unsigned bits_min = 9;
    static constexpr unsigned bits_max = 13;

    // For logs of at most so many bytes.
    explicit LogChunks(std::size_t capacity_bytes);
    LogChunks(LogChunks&&) noexcept = default;
    ~LogChunks();

    LogPosition size() const noexcept { return LogPosition{1} << bits_; }
    // The first position that there is.
    LogPosition begin() const noexcept { return size(); }
    // REQUIRES: a chunk is there.
    LogEntry* at(LogPosition position) const noexcept {
        char* chunk = chunks_[(position >> bits_) & (chunks_.size() - 1)];
        return reinterpret_cast<LogEntry*>(chunk + (position & (size() - 1)));
    }
    // Takes the chunk that begins there. False: there is no memory, or the log spans too many.
    bool take(LogPosition begin) noexcept;
    // What lies before the position is not needed any more.
    void free_before(LogPosition position) noexcept;

  private:
    unsigned bits_;
    std::vector<char*> chunks_;  // a ring, by position >> bits_
    std::vector<char*> spare_;
    std::uint64_t first_ = 1;  // number of the first chunk that may be there
};

}  // namespace twincached::replication
