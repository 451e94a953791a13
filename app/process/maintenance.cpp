#include "app/process/maintenance.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace twincached::app {
namespace {

using std::chrono::milliseconds;

// Between steps, however little the store has to do: the clock wants to be steered.
constexpr milliseconds longest_rest{1000};

}  // namespace

void Maintenance::start() {
    thread_ = std::thread([this] { run(); });
}

void Maintenance::stop() noexcept {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        is_stopped_ = true;
    }
    stopped_.notify_all();
    thread_.join();
}

void Maintenance::run() noexcept {
    pthread_setname_np(pthread_self(), "maintenance");
    std::unique_lock lock(mutex_);
    while (!is_stopped_) {
        lock.unlock();
        clock_.steer({store_.version_time() >> 10, replicator_.peer_clock()});
        const auto rest = store_.maintain(clock_.now());
        lock.lock();
        const auto until =
            std::chrono::steady_clock::now() + std::clamp(rest, milliseconds(0), longest_rest);
        stopped_.wait_until(lock, until, [this] { return is_stopped_; });
    }
}

}  // namespace twincached::app
