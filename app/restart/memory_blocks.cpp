#include "app/restart/memory_blocks.hpp"

#include "lib/crc32c.hpp"
#include "lib/endian.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace twincached::app {
namespace {

constexpr std::size_t block_head_bytes = 16;
constexpr std::size_t sum_bytes = 4;
// A call that writes or reads more would not be asked for its deadline in time.
constexpr std::size_t piece_bytes = 4U << 20;
// The largest value that a store takes, and its head.
constexpr std::uint64_t length_limit = (1ULL << 30) + 4096;

constexpr std::string_view too_late = "it took longer than memory-file-timeout";

std::string_view sum_part(const std::array<char, block_head_bytes>& head) noexcept {
    return std::string_view(head.data(), head.size()).substr(sum_bytes);
}

}  // namespace

// Head and payload have one sum, so that no block can be taken for another kind, or for a longer
// one. Parts are written one after the other, not joined: a large value is copied nowhere.
bool BlockWriter::write(BlockType type, std::initializer_list<std::string_view> parts) {
    std::array<char, block_head_bytes> head{};
    std::uint64_t length = 0;
    for (const auto part : parts)
        length += part.size();
    head[sum_bytes] = static_cast<char>(type);
    lib::store_little(head.data() + 8, length);
    std::uint32_t sum = lib::crc32c(sum_part(head));
    for (const auto part : parts)
        sum = lib::crc32c(part, sum);
    lib::store_little(head.data(), sum);
    if (!write_all({head.data(), head.size()})) return false;
    return std::all_of(parts.begin(), parts.end(),
                       [this](std::string_view part) { return write_all(part); });
}

// A disk that is full or slow ends the saving, not the stop: the caller removes what is unfinished.
bool BlockWriter::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        if (std::chrono::steady_clock::now() >= deadline_) {
            problem_ = too_late;
            return false;
        }
        const auto count =
            ::write(descriptor_, bytes.data(), std::min<std::size_t>(bytes.size(), piece_bytes));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            problem_ = std::strerror(count < 0 ? errno : ENOSPC);
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
        bytes_ += static_cast<std::uint64_t>(count);
    }
    return true;
}

// The first reason stays: what fails afterwards is its consequence.
bool BlockReader::fail(std::string_view why) {
    if (problem_.empty()) problem_ = why;
    return false;
}

// What the head says is not proved before is_sound(): until then it may only be used where damage
// does no harm.
std::optional<BlockReader::Head> BlockReader::next() {
    std::array<char, block_head_bytes> head{};
    if (!read_all(head.data(), head.size())) return std::nullopt;
    expected_ = lib::load_little<std::uint32_t>(head.data());
    sum_ = lib::crc32c(sum_part(head));
    head_.type = static_cast<BlockType>(head[sum_bytes]);
    head_.length = lib::load_little<std::uint64_t>(head.data() + 8);
    if (head_.length > length_limit) {
        fail("it is damaged: a block of impossible length");
        return std::nullopt;
    }
    return head_;
}

bool BlockReader::read(std::span<char> to) {
    if (!read_all(to.data(), to.size())) return false;
    sum_ = lib::crc32c({to.data(), to.size()}, sum_);
    return true;
}

bool BlockReader::is_sound() {
    give_back_pages();
    return sum_ == expected_ || fail("it is damaged: a checksum is wrong");
}

// The length is not believed before the bytes have come: damage must not cost memory.
bool BlockReader::read_payload(std::string& to) {
    to.clear();
    for (std::uint64_t left = head_.length; left > 0;) {
        const auto piece = std::min<std::uint64_t>(left, piece_bytes);
        const auto before = to.size();
        to.resize(before + piece);
        if (!read({to.data() + before, piece})) return false;
        left -= piece;
    }
    return is_sound();
}

// Nothing may follow: a file that was written over a longer one is not this file.
bool BlockReader::is_at_end() {
    char byte = 0;
    ssize_t count = 0;
    do {
        count = ::read(descriptor_, &byte, 1);
    } while (count < 0 && errno == EINTR);
    return count == 0 || fail("it is damaged: something follows its end");
}

bool BlockReader::read_all(char* to, std::size_t count) {
    while (count > 0) {
        if (std::chrono::steady_clock::now() >= deadline_) return fail(too_late);
        const auto got = ::read(descriptor_, to, std::min(count, piece_bytes));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(std::strerror(errno));
        if (got == 0) return fail("it ends too early");
        to += got;
        count -= static_cast<std::size_t>(got);
        bytes_ += static_cast<std::uint64_t>(got);
    }
    return true;
}

// The file is nobody's but ours: what has been read need not stay, above all where the file itself
// lies in memory. A file system that cannot do that keeps it until the end.
void BlockReader::give_back_pages() noexcept {
    if (bytes_ - given_back_ < piece_bytes) return;
    (void)::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      static_cast<off_t>(given_back_), static_cast<off_t>(bytes_ - given_back_));
    given_back_ = bytes_;
}

}  // namespace twincached::app
