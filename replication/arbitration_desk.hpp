// Where io threads leave what another node is to decide, and the replication thread finds it. It
// knows how much may be under way, and whom to wake; what becomes of a question is its driver's
// business, who takes them in the order in which they came.
//
//     io thread:    ask --> [ asked ] --> take --> ... Question::decide or end --> wake_waiters
//
// Owned by the driver.
#pragma once

#include "lib/mutex.hpp"
#include "storage/arbiter.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace twincached::replication {

class ArbitrationDesk final : public storage::Arbiter {
  public:
    // Filled by the rows of replication_options.cpp, which have the defaults.
    struct Options {
        storage::Arbitration mode{};
        std::chrono::milliseconds timeout{};
    };
    // Of all clients together, until they have their answers. A client has one at a time.
    static constexpr std::size_t questions_limit = 1024;
    static constexpr std::size_t bytes_limit = 64U << 20;

    using Asked = std::shared_ptr<storage::Question>;

    // `wake`: the replication thread is to look. Before any thread runs.
    void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }
    // Steady, in nanoseconds; without it nobody knows how long answers take. As `wake`.
    using Clock = std::int64_t (*)() noexcept;
    void set_clock(Clock clock) noexcept { load_->clock = clock; }

    // storage::Arbiter
    Asked ask(storage::Operation operation, unsigned waiter) override;
    unsigned add_waiter(std::function<void()> wake) override;
    void look(unsigned waiter) noexcept override;
    void retire(unsigned waiter) noexcept override;

    // --- the replication thread ---
    bool has_asked() const noexcept { return has_asked_.load(std::memory_order_acquire); }
    // Each is given once.
    std::vector<Asked> take();
    void offer(storage::Arbitration scope) noexcept;
    // Nobody decides by an older offer any more. Those who may are woken, and `wake` is called when
    // the last one has looked.
    bool is_seen() noexcept;
    // Something was settled: whoever may wait for it looks again.
    void wake_waiters() noexcept;

    // --- any thread ---
    std::uint64_t asked() const noexcept { return asked_count_.load(std::memory_order_relaxed); }
    std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }
    // Of those that were asked, and how long their clients had waited for these, in all and of
    // late: a moving mean of some sixteen.
    std::uint64_t answered() const noexcept { return load_->answered.load(); }
    std::chrono::nanoseconds waited() const noexcept { return load_->waited(); }
    std::chrono::nanoseconds recent_wait() const noexcept { return load_->recent_wait(); }

  private:
    // What is under way. Both outlive the desk with their last question.
    struct Load {
        std::atomic<std::size_t> questions{0};
        std::atomic<std::size_t> bytes{0};
        Clock clock = nullptr;
        // Of what was decided; the replication thread alone counts.
        std::atomic<std::uint64_t> answered{0};
        std::atomic<std::int64_t> waited_ns{0};
        std::atomic<std::int64_t> recent_ns{0};

        std::int64_t now() const noexcept { return clock == nullptr ? 0 : clock(); }
        void note(std::int64_t wait_ns) noexcept;
        std::chrono::nanoseconds waited() const noexcept {
            return std::chrono::nanoseconds(waited_ns.load(std::memory_order_relaxed));
        }
        std::chrono::nanoseconds recent_wait() const noexcept {
            return std::chrono::nanoseconds(recent_ns.load(std::memory_order_relaxed));
        }
    };
    struct Waiter {
        std::function<void()> wake;
        std::atomic<std::size_t> questions{0};  // of its own, that somebody holds
        std::atomic<std::uint64_t> seen{0};     // the last offer that its thread has looked at
    };
    class Counted;

    std::function<void()> wake_;
    const std::shared_ptr<Load> load_ = std::make_shared<Load>();
    std::vector<std::shared_ptr<Waiter>> waiters_;
    std::atomic<std::uint64_t> offers_{0};
    std::atomic<bool> has_asked_{false};
    std::atomic<std::uint64_t> asked_count_{0};
    std::atomic<std::uint64_t> refused_{0};
    lib::Mutex mutex_;
    std::vector<Asked> asked_ GUARDED_BY(mutex_);
};

}  // namespace twincached::replication
