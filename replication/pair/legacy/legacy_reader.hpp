// Cuts what an old node sends into commands: see LegacyCommand. Strict where a guess would make
// commands of a value's bytes, and as generous as the old programs where they differ: flags with or
// without a sign, a delete with or without a time, a flush_all with or without its blank.
//
// Sans-I/O: whoever owns it keeps the bytes that it has not taken and shows them again with those
// that follow. A value is passed over without being kept if it is longer than the limit, so what is
// kept is bounded by the limit and one line. One connection's; the thread of that one alone.
#pragma once

#include "replication/pair/legacy/legacy_command.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

// The words of a line, of which no command has as many as there is room for.
struct LegacyWords {
    std::array<std::string_view, 7> all{};
    std::size_t count = 0;

    // REQUIRES: there is one.
    std::span<const std::string_view> behind_verb() const noexcept {
        return {all.data() + 1, count - 1};
    }
};

class LegacyReader {
  public:
    // Longer is no line of an old node.
    static constexpr std::size_t line_limit = 512;
    // A value that claims to be longer is no value: no old node has such a limit (-I).
    static constexpr std::uint64_t largest_value = std::uint64_t{1} << 30;

    enum class Status : std::uint8_t { command, need_more, malformed };
    struct Read {
        Status status = Status::need_more;
        std::size_t taken = 0;    // of the bytes, also where more is needed
        LegacyCommand command{};  // its views are into the bytes, or hold until the next read
    };

    // `value_limit`: values of more bytes are passed over.
    explicit LegacyReader(std::size_t value_limit) noexcept : value_limit_(value_limit) {}

    // From the first byte that was not taken on. After `malformed` it must not be called again.
    Read read(std::string_view bytes);

  private:
    Read read_upsert(const LegacyWords& words, std::string_view rest, std::size_t before);
    Read pass_over(std::string_view bytes);

    const std::size_t value_limit_;
    std::uint64_t passing_over_ = 0;  // bytes of the value and its line end; 0: none
    std::string passed_key_;          // whose value that is
};

// What an old node may begin with. The pair's frames begin with none of these.
constexpr bool begins_legacy(char first) noexcept {
    return first == 'r' || first == 'd' || first == 'f' || first == 'm';
}

}  // namespace twincached::replication::pair
