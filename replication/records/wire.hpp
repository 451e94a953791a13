// The primitives of the peer link's codecs: little-endian numbers and short texts, written to a
// byte buffer and read back with every bound checked. A reader that has run out stays failed and
// gives zeros, so that a decoder asks once, at its end.
#pragma once

#include "lib/byte_buffer.hpp"
#include "lib/endian.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twincached::replication {

class WireReader {
  public:
    explicit WireReader(std::string_view bytes) noexcept : bytes_(bytes) {}

    template <std::unsigned_integral Number>
    Number number() noexcept {
        const auto field = bytes(sizeof(Number));
        return field.size() == sizeof(Number) ? lib::load_little<Number>(field.data()) : Number{};
    }
    std::uint8_t u8() noexcept { return number<std::uint8_t>(); }
    std::uint16_t u16() noexcept { return number<std::uint16_t>(); }
    std::uint32_t u32() noexcept { return number<std::uint32_t>(); }
    std::uint64_t u64() noexcept { return number<std::uint64_t>(); }

    // The next `count` bytes, or an empty view and failure.
    std::string_view bytes(std::size_t count) noexcept {
        if (failed_ || bytes_.size() - at_ < count) {
            failed_ = true;
            return {};
        }
        const auto field = bytes_.substr(at_, count);
        at_ += count;
        return field;
    }
    // A text with its length (16 bits) before it.
    std::string_view text() noexcept { return bytes(u16()); }

    void fail() noexcept { failed_ = true; }
    bool failed() const noexcept { return failed_; }
    std::size_t remaining() const noexcept { return failed_ ? 0 : bytes_.size() - at_; }
    // Nothing went wrong and nothing is left over.
    bool complete() const noexcept { return !failed_ && at_ == bytes_.size(); }

  private:
    std::string_view bytes_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

class WireWriter {
  public:
    explicit WireWriter(lib::ByteBuffer& out) noexcept : out_(out) {}

    template <std::unsigned_integral Number>
    WireWriter& number(Number value) {
        lib::store_little(out_.prepare(sizeof value), value);
        out_.commit(sizeof value);
        return *this;
    }
    WireWriter& u8(std::uint8_t value) { return number(value); }
    WireWriter& u16(std::uint16_t value) { return number(value); }
    WireWriter& u32(std::uint32_t value) { return number(value); }
    WireWriter& u64(std::uint64_t value) { return number(value); }
    WireWriter& bytes(std::string_view field) {
        out_.append(field);
        return *this;
    }
    // Cut to 65,535 bytes.
    WireWriter& text(std::string_view field) {
        field = field.substr(0, 0xFFFF);
        return u16(static_cast<std::uint16_t>(field.size())).bytes(field);
    }

  private:
    lib::ByteBuffer& out_;
};

}  // namespace twincached::replication
