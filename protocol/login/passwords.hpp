// Users and their passwords, as an operator writes them: lines "user:password". A table does not
// change; whoever rereads the file puts a new one in its place (Credentials). Pure: reads no file.
//
// How long a check takes tells nothing about whether the user exists or how much of the password
// was right: every entry is compared, each to its last byte (CVE-2026-47783 and its kin).
#pragma once

#include "lib/result.hpp"

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

namespace twincached::protocol {

// What ends a password: the line, or, as in the file that MEMCACHED_SASL_PWDB names, a ':' too.
enum class PasswordFormat : std::uint8_t { whole_line, until_colon };

class PasswordTable {
  public:
    static constexpr std::size_t content_limit = 256 * 1024;
    static constexpr std::size_t entry_limit = 256;
    static constexpr std::size_t word_limit = 255;  // of a user or a password

    // The error names the line, never what stands in it.
    static lib::Parsed<PasswordTable> parse(std::string_view content, PasswordFormat format);

    bool accepts(std::string_view user, std::string_view password) const noexcept;
    std::size_t size() const noexcept { return entries_.size(); }

  private:
    // Its length, then its bytes, then zeroes.
    using Word = std::array<unsigned char, word_limit + 1>;
    struct Entry {
        Word user;
        Word password;
    };

    static Word word_of(std::string_view text) noexcept;
    static unsigned difference(const Word& left, const Word& right) noexcept;

    std::vector<Entry> entries_;
};

}  // namespace twincached::protocol
