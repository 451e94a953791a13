// Who wants to hear which items had to go because memory was needed. One at most; set before the
// store is used by a second thread. While nobody listens, an eviction costs one more load.
#pragma once

#include "storage/operations.hpp"

#include <atomic>

namespace twincached::storage {

class EvictionListener {
  public:
    virtual ~EvictionListener() = default;

    // Asked before each eviction is made ready for telling: must be cheap.
    virtual bool listens() const noexcept = 0;
    // Under the lock of the item's shard. It must be short and must not call the store.
    virtual void on_evicted(const ItemView& item, unsigned size_class, Tick now) noexcept = 0;
};

using EvictionListenerPlace = std::atomic<EvictionListener*>;

}  // namespace twincached::storage
