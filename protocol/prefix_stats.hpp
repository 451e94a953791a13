// Counts per key prefix, for `stats detail`: how often keys that begin alike are read, hit, stored
// and deleted. One for all conversations; any thread may call any member. While it is off it
// costs one relaxed load per command.
#pragma once

#include "lib/function_ref.hpp"
#include "lib/mutex.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace twincached::protocol {

class PrefixStats {
  public:
    struct Counts {
        std::uint64_t gets = 0;
        std::uint64_t hits = 0;
        std::uint64_t sets = 0;
        std::uint64_t deletes = 0;
    };
    // A client can invent prefixes without end; later ones than so many are not counted.
    static constexpr std::size_t prefix_limit = 10'000;

    bool is_enabled() const noexcept { return enabled_.load(std::memory_order_relaxed); }
    void set_enabled(bool enabled) noexcept { enabled_.store(enabled, std::memory_order_relaxed); }

    // A key without the delimiter has no prefix and is not counted.
    void count_get(std::string_view key, char delimiter, bool hit) noexcept;
    void count_set(std::string_view key, char delimiter) noexcept;
    void count_delete(std::string_view key, char delimiter) noexcept;

    using Visitor = lib::FunctionRef<void(std::string_view prefix, const Counts& counts)>;
    void visit(Visitor visit) const;
    void clear() noexcept;

  private:
    Counts* find(std::string_view key, char delimiter) REQUIRES(mutex_);

    std::atomic<bool> enabled_{false};
    mutable lib::Mutex mutex_;
    std::map<std::string, Counts, std::less<>> counts_ GUARDED_BY(mutex_);
};

}  // namespace twincached::protocol
