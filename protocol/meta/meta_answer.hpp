// Composes the answer line of a meta command: a status, then the flags that the client asked for,
// in its order. It writes straight into the output; the line is finished by end_line() or, with a
// value, by what stands after it.
#pragma once

#include "protocol/execution/command.hpp"
#include "protocol/execution/output.hpp"

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
    // Seconds left, -1 = for ever: before the command, and after it if it changed it (t and T).
    std::optional<std::int64_t> ttl;
    std::optional<std::int64_t> ttl_after;
    std::string_view key;     // what `k` returns, not yet encoded
    bool binary_key = false;  // returned as base64
};

class MetaAnswer {
  public:
    // Begins the line with a status of two letters; `value_bytes` stands behind it, if given.
    MetaAnswer(Output& output, std::string_view status,
               std::optional<std::uint64_t> value_bytes = std::nullopt);

    MetaAnswer& flags(const MetaFlags& asked, const MetaFacts& facts);
    MetaAnswer& mark(char letter);
    void end_line();

  private:
    void flag(char letter, const MetaFlags& asked, const MetaFacts& facts, bool touched);
    void number_flag(char letter, std::int64_t number);
    void cas_flag(std::uint64_t cas);
    void key_flag(const MetaFacts& facts);

    lib::ByteBuffer& bytes_;
};

}  // namespace twincached::protocol
