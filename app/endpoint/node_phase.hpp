// How far the process has come: told by the control thread, read by any. Owned by the server.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace twincached::app {

class NodePhase {
  public:
    using Clock = std::chrono::steady_clock;

    // The client ports were opened, for the first time. REQUIRES: once.
    void on_open() noexcept { opened_at_ = Clock::now().time_since_epoch().count(); }
    void on_stopping() noexcept { is_stopping_ = true; }

    bool is_stopping() const noexcept { return is_stopping_; }
    std::optional<std::chrono::seconds> open_for() const noexcept {
        const auto at = opened_at_.load();
        if (at == never) return std::nullopt;
        const auto since = Clock::now() - Clock::time_point(Clock::duration(at));
        return std::chrono::duration_cast<std::chrono::seconds>(since);
    }

  private:
    static constexpr Clock::rep never = -1;

    std::atomic<Clock::rep> opened_at_{never};
    std::atomic<bool> is_stopping_{false};
};

}  // namespace twincached::app
