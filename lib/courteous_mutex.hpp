// A mutex with two kinds of takers. Those of the foreground take it now and then, for a moment, and
// somebody waits for them. One of the background takes it again and again, for longer.
//
// std::mutex promises no order: who unlocks and at once locks again is faster than the one who is
// woken meanwhile, many times in a row. So the background looks first whether anybody waits, and
// then lets one of them go before it. One, so that it is never shut out itself. Any thread.
#pragma once

#include "lib/mutex.hpp"

#include <atomic>
#include <mutex>

namespace twincached::lib {

class CAPABILITY("mutex") CourteousMutex {
  public:
    void lock() ACQUIRE() {
        if (!mutex_.try_lock()) wait_and_lock();
    }
    // For the background. Whoever waits gets the mutex and says so, for nobody else keeps it. Turns
    // are counted, and read before the waiters: however many come and go meanwhile, the first of
    // them that had its turn ends the wait.
    void lock_after_another() ACQUIRE() {
        const auto seen = turns_.load();
        if (waiting_.load() != 0) turns_.wait(seen);
        mutex_.lock();
    }
    void unlock() RELEASE() { mutex_.unlock(); }

    // Whether someone of the foreground waits; a hint.
    bool is_awaited() const noexcept { return waiting_.load(std::memory_order_relaxed) != 0; }

  private:
    // Apart, because it is rare and would be large where it is inlined.
    [[gnu::noinline]] void wait_and_lock() {
        waiting_.fetch_add(1);
        mutex_.lock();
        waiting_.fetch_sub(1);
        turns_.fetch_add(1);
        turns_.notify_all();  // several of the background may wait
    }

    std::mutex mutex_;
    std::atomic<int> waiting_{0};
    std::atomic<int> turns_{0};  // that waiters have had; wraps
};

class SCOPED_CAPABILITY ForegroundLock {
  public:
    explicit ForegroundLock(CourteousMutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
    ~ForegroundLock() RELEASE() { mutex_.unlock(); }
    ForegroundLock(const ForegroundLock&) = delete;
    ForegroundLock& operator=(const ForegroundLock&) = delete;

  private:
    CourteousMutex& mutex_;
};

class SCOPED_CAPABILITY BackgroundLock {
  public:
    explicit BackgroundLock(CourteousMutex& mutex) ACQUIRE(mutex) : mutex_(mutex) {
        mutex_.lock_after_another();
    }
    ~BackgroundLock() RELEASE() { mutex_.unlock(); }
    BackgroundLock(const BackgroundLock&) = delete;
    BackgroundLock& operator=(const BackgroundLock&) = delete;

  private:
    CourteousMutex& mutex_;
};

}  // namespace twincached::lib
