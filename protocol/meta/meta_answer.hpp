// Composes the answer line of a meta command: a status, then the flags that the client asked for,
// in its order. It writes straight into the output, where it has room for the longest line from its
// beginning; what it wrote is there when end_line() has been called.
#pragma once

#include "protocol/execution/command.hpp"
#include "protocol/execution/output.hpp"

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::protocol {

// What the flags of a request can be answered with; a flag without a value here is not returned.
struct MetaFacts {
    std::optional<std::uint64_t> cas;
    std::optional<std::uint64_t> size;
    std::optional<std::uint32_t> client_flags;
    std::optional<bool> hit_before;
    std::optional<std::uint32_t> idle_seconds;
    // Seconds left, -1 = for ever: before the command, and from N on of an item that it has
    // created, from T on of one that it has touched.
    std::optional<std::int64_t> ttl;
    std::optional<std::int64_t> ttl_created;
    std::optional<std::int64_t> ttl_touched;
    std::string_view key;     // what `k` returns, not yet encoded
    bool binary_key = false;  // returned as base64
};

using MetaStatus = std::array<char, 2>;

class MetaAnswer {
  public:
    // Begins the line with a status; `value_bytes` stands behind it, if given.
    MetaAnswer(Output& output, MetaStatus status,
               std::optional<std::uint64_t> value_bytes = std::nullopt);

    MetaAnswer& flags(const MetaFlags& asked, const MetaFacts& facts) noexcept;
    MetaAnswer& mark(char letter) noexcept;
    void end_line() noexcept;

  private:
    void flag(char letter, const MetaFlags& asked, const MetaFacts& facts) noexcept;
    template <std::integral Number>
    void number_flag(char letter, Number number) noexcept;
    void key_flag(const MetaFacts& facts) noexcept;

    lib::ByteBuffer& bytes_;
    char* const begin_;
    char* at_;
};

}  // namespace twincached::protocol
