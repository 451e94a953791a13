// What those who watch read of one client's commands: chooses the event and fills it; whether
// anybody wants it is asked first, and costs a relaxed load. Cheap to make; the
// recorder makes one where it has something to tell, also under a shard's lock.
#pragma once

#include "protocol/observation/watch_events.hpp"
#include "storage/now.hpp"
#include "storage/size_classes.hpp"

#include <cstdint>
#include <string_view>

namespace twincached::protocol {

class CommandTeller {
  public:
    // Both must outlive it. `connection` stands as `cfd` in the lines.
    CommandTeller(WatchLog& log, const storage::SizeClasses& size_classes, int connection) noexcept
        : log_(log), size_classes_(size_classes), connection_(connection) {}

    bool wants_fetches() const noexcept { return log_.wants(WatchTopic::fetchers); }
    void found(const storage::ItemView& item) const noexcept {
        if (wants_fetches()) tell_found(item);
    }
    void missed(std::string_view key, storage::Miss miss) const noexcept {
        if (wants_fetches()) tell_fetch(log_, {key, miss, 0, 0, connection_});
    }

    struct Written {
        std::string_view key;
        std::uint64_t value_bytes;
        const storage::Write& request;
        const storage::WriteResult& result;
    };
    void written(const Written& written, const storage::Now& now) const noexcept {
        if (log_.wants(WatchTopic::mutations)) tell_written(written, now);
    }
    // Made of a miss, by a meta get or by arithmetic.
    void vivified(std::string_view key, storage::Expiry expiry, std::uint64_t value_bytes,
                  const storage::Now& now) const noexcept;
    // Before its value arrived.
    void refused(std::string_view key, storage::WriteOutcome outcome) const noexcept;
    void removed(const DeleteEvent& event) const noexcept {
        if (log_.wants(WatchTopic::deletions)) tell_delete(log_, event);
    }

  private:
    void tell_found(const storage::ItemView& item) const noexcept;
    void tell_written(const Written& written, const storage::Now& now) const noexcept;
    unsigned class_of(std::string_view key, std::uint64_t value_bytes,
                      std::uint32_t client_flags) const noexcept {
        return size_classes_.of(storage::accounted_bytes(key.size(), value_bytes, client_flags));
    }

    WatchLog& log_;
    const storage::SizeClasses& size_classes_;
    const int connection_;
};

}  // namespace twincached::protocol
