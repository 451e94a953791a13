// Screws that memcached's administrators turn and this store does not have (`slabs automove`, `lru
// tune`...): a request is checked and answered as there, and `stats settings` shows what was asked
// for. Nothing else reads it. Any thread.
#pragma once

#include "lib/mutex.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::protocol {

class ReportedSettings {
  public:
    // REQUIRES: the keys are words of ours, so that there are but a few. May throw std::bad_alloc.
    void set(std::string_view key, std::string_view value) {
        const lib::MutexLock lock(mutex_);
        values_.insert_or_assign(std::string(key), std::string(value));
    }
    std::optional<std::string> get(std::string_view key) const {
        const lib::MutexLock lock(mutex_);
        const auto found = values_.find(key);
        return found == values_.end() ? std::nullopt : std::optional(found->second);
    }

  private:
    mutable lib::Mutex mutex_;
    std::map<std::string, std::string, std::less<>> values_ GUARDED_BY(mutex_);
};

}  // namespace twincached::protocol
