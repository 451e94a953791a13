// Which keys, and which prefixes of keys, are asked for most, and which move the most bytes
// (`stats hotkeys`). One for all conversations; any thread. Requests are sampled, so that the cost
// of one is a load and a decrement; while it is off, a load.
#pragma once

#include "lib/function_ref.hpp"
#include "lib/mutex.hpp"
#include "protocol/observation/heavy_hitters.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace twincached::protocol {

class HotKeys {
  public:
    // Of each kind; reports show the first few of them.
    static constexpr std::size_t kept = 512;
    static constexpr std::size_t shown = 20;

    enum class Ranking : std::uint8_t {
        keys_by_requests,
        keys_by_bytes,
        prefixes_by_requests,
        prefixes_by_bytes,
        count_
    };

    bool is_enabled() const noexcept { return enabled_.load(std::memory_order_relaxed); }
    // False if there is no memory for it. Off forgets what was found.
    bool set_enabled(bool enabled) noexcept;

    // A sampled request. A key without the delimiter has no prefix.
    void note(std::string_view key, char delimiter, std::uint64_t value_bytes) noexcept;
    void clear() noexcept;

    struct Line {
        Ranking ranking;
        std::size_t rank;
        std::string_view key;
        std::uint64_t amount;  // scaled up to all requests
        std::uint64_t error;   // likewise; what the amount may be too high by, sampling aside
    };
    void visit(std::size_t count, lib::FunctionRef<void(const Line&)> visit) const;
    // Scaled up to all requests since it was switched on or reset.
    std::uint64_t requests() const noexcept;
    std::uint64_t bytes() const noexcept;

  private:
    using Sketches = std::array<HeavyHitters, static_cast<std::size_t>(Ranking::count_)>;

    std::uint64_t total(Ranking ranking) const noexcept;

    std::atomic<bool> enabled_{false};
    mutable lib::Mutex mutex_;
    std::unique_ptr<Sketches> sketches_ GUARDED_BY(mutex_);  // null: off
};

}  // namespace twincached::protocol
