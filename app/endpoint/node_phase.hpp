// How far the process has come, and whether an operator has drained it: told by the control thread
// and, of drains, by the endpoint's; read by any. Owned by the server.
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
    void on_open() noexcept { opened_at_ = changed_at_ = now(); }
    void on_stopping() noexcept {
        is_stopping_ = true;
        changed_at_ = now();
    }
    // Balancers are to move, or may come back. False: it is so already.
    bool set_drained(bool drained) noexcept {
        if (is_drained_.exchange(drained) == drained) return false;
        changed_at_ = now();
        return true;
    }

    bool is_stopping() const noexcept { return is_stopping_; }
    bool is_drained() const noexcept { return is_drained_; }
    std::optional<std::chrono::seconds> open_for() const noexcept {
        const auto at = opened_at_.load();
        if (at == never) return std::nullopt;
        return since(at);
    }
    // Since the last of all that is told here, or since the start.
    std::chrono::seconds unchanged_for() const noexcept { return since(changed_at_); }

  private:
    static constexpr Clock::rep never = -1;

    static Clock::rep now() noexcept { return Clock::now().time_since_epoch().count(); }
    static std::chrono::seconds since(Clock::rep at) noexcept {
        const auto time = Clock::now() - Clock::time_point(Clock::duration(at));
        return std::chrono::duration_cast<std::chrono::seconds>(time);
    }

    std::atomic<Clock::rep> opened_at_{never};
    std::atomic<Clock::rep> changed_at_{now()};
    std::atomic<bool> is_stopping_{false};
    std::atomic<bool> is_drained_{false};
};

}  // namespace twincached::app
