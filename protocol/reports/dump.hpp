// Answers that walk the whole store: `lru_crawler metadump`, `lru_crawler mgdump` and
// `stats cachedump`. They proceed in bounded steps and are suspended when the output is full or
// others should have their turn, so that a dump of millions of items holds neither memory nor a
// thread. What is stored, changed or evicted meanwhile may or may not appear.
#pragma once

#include "protocol/execution/turn.hpp"
#include "storage/stats.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::protocol {

// Which size classes a client means: "all", "hash", or "1,2,7".
class ClassSet {
  public:
    static std::optional<ClassSet> parse(std::string_view text) noexcept;
    static ClassSet only(unsigned size_class) noexcept;

    bool contains(unsigned size_class) const noexcept { return (mask_ >> size_class & 1U) != 0; }

  private:
    explicit ClassSet(std::uint64_t mask) noexcept : mask_(mask) {}
    static_assert(storage::size_class_limit <= 64);
    std::uint64_t mask_;
};

Next execute_metadump(Turn& turn, std::string_view classes);
Next execute_mgdump(Turn& turn, std::string_view classes);
// `arguments`: <class> <limit, 0 = all>.
Next execute_cachedump(Turn& turn, std::string_view arguments);

}  // namespace twincached::protocol
