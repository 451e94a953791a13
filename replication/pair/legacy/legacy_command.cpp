#include "replication/pair/legacy/legacy_command.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace twincached::replication::pair {
namespace {

constexpr std::size_t old_item_limit_bytes = std::size_t{1} << 20;
// What an item takes there beside key and value, at most: header and CAS unique, the byte behind
// the key, " <flags> <bytes>\r\n" with flags of eleven letters and bytes of seven, a line's end.
constexpr std::size_t old_item_overhead_bytes = 56 + 1 + 22 + 2;
// 2.3.1 reads a time into 32 bits with a sign: what is later has passed there.
constexpr std::int64_t latest_time = std::numeric_limits<std::int32_t>::max();
constexpr std::string_view end_of_line = "\r\n";

template <std::integral Number>
void write_number(lib::ByteBuffer& out, Number number) {
    std::array<char, 24> text;
    char* const end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    out.append(' ');
    out.append({text.data(), static_cast<std::size_t>(end - text.data())});
}

void write_upsert(lib::ByteBuffer& out, const LegacyCommand& command) {
    assert(fits(command));
    out.append("rep ");
    out.append(command.key);
    write_number(out, command.flags);
    write_number(out, std::min(command.exptime, latest_time));
    write_number(out, command.value.size());
    write_number(out, static_cast<std::uint32_t>(command.cas));
    out.append(end_of_line);
    out.append(command.value);
}

}  // namespace

void write_legacy(lib::ByteBuffer& out, const LegacyCommand& command) {
    switch (command.verb) {
        case LegacyVerb::upsert:
            assert(may_be_named(command.key));
            write_upsert(out, command);
            break;
        case LegacyVerb::removal:
            assert(may_be_named(command.key));
            out.append("delete ");
            out.append(command.key);
            break;
        case LegacyVerb::flush:
            out.append("flush_all ");
            break;
        case LegacyVerb::flush_later:
            out.append("flush_all");
            write_number(out, std::min(command.exptime, latest_time));
            break;
        case LegacyVerb::end_of_dump:
            out.append("marugoto_end");
            break;
    }
    out.append(end_of_line);
}

bool may_be_named(std::string_view key) noexcept {
    return !key.empty() && std::none_of(key.begin(), key.end(), [](char letter) {
        return static_cast<unsigned char>(letter) <= ' ' || letter == '\x7F';
    });
}

bool fits(const LegacyCommand& upsert) noexcept {
    return upsert.key.size() + upsert.value.size() + old_item_overhead_bytes <=
           old_item_limit_bytes;
}

}  // namespace twincached::replication::pair
