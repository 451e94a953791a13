// The thread that keeps the store and the clock in order: bounded steps of upkeep, as often as
// the store asks for. Owned by the server.
#pragma once

#include "app/process/system_clock.hpp"
#include "replication/replicator.hpp"
#include "storage/store.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace twincached::app {

class Maintenance {
  public:
    // All of them must outlive it.
    Maintenance(storage::Store& store, const replication::Replicator& replicator,
                SystemClock& clock) noexcept
        : store_(store), replicator_(replicator), clock_(clock) {}
    ~Maintenance() { stop(); }

    void start();
    // Blocks until the step under way has ended. Harmless if repeated.
    void stop() noexcept;

  private:
    void run() noexcept;

    storage::Store& store_;
    const replication::Replicator& replicator_;
    SystemClock& clock_;
    std::mutex mutex_;  // std's, because the condition variable asks for it
    std::condition_variable stopped_;
    bool is_stopped_ = false;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace twincached::app
