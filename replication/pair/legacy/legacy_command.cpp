#include "replication/pair/legacy/legacy_command.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <concepts>

namespace twincached::replication::pair {
namespace {

constexpr std::size_t old_item_limit_bytes = std::size_t{1} << 20;
// What the larger of the two headers, the CAS unique and the ASCII suffix of an item take at most.
constexpr std::size_t old_item_overhead_bytes = 60;
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
    write_number(out, command.exptime);
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
            write_number(out, command.exptime);
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
