// The lines that watchers read, event by event, in memcached's words. Whoever calls one of these
// has asked WatchLog::wants first. Any thread, also under a shard's lock.
#pragma once

#include "protocol/observation/watch_log.hpp"
#include "storage/eviction/eviction_listener.hpp"
#include "storage/operations.hpp"

#include <cstdint>
#include <string_view>

namespace twincached::protocol {

// What was asked for: a hit has miss == none.
struct FetchEvent {
    std::string_view key;
    storage::Miss miss = storage::Miss::none;
    unsigned size_class = 0;
    std::uint64_t size = 0;
    int connection = -1;
};
void tell_fetch(WatchLog& log, const FetchEvent& event) noexcept;

struct StoreEvent {
    std::string_view key;
    storage::WriteOutcome outcome = storage::WriteOutcome::stored;
    std::string_view command;
    std::uint64_t ttl = 0;
    unsigned size_class = 0;
    std::uint64_t size = 0;
    int connection = -1;
};
void tell_store(WatchLog& log, const StoreEvent& event) noexcept;

struct DeleteEvent {
    std::string_view key;
    std::string_view command;
    unsigned size_class = 0;
    std::uint64_t size = 0;
};
void tell_delete(WatchLog& log, const DeleteEvent& event) noexcept;

// What stands between the store and those who watch its evictions.
class EvictionTeller final : public storage::EvictionListener {
  public:
    explicit EvictionTeller(WatchLog& log) noexcept : log_(log) {}

    bool listens() const noexcept override { return log_.wants(WatchTopic::evictions); }
    void on_evicted(const storage::ItemView& item, unsigned size_class,
                    storage::Tick now) noexcept override;

  private:
    WatchLog& log_;
};

struct ConnectionEvent {
    std::string_view address;  // without port
    std::uint16_t port = 0;
    std::string_view transport;  // tcp, tcp6, unix, udp
    int connection = -1;
};
void tell_connected(WatchLog& log, const ConnectionEvent& event) noexcept;
void tell_disconnected(WatchLog& log, const ConnectionEvent& event,
                       std::string_view reason) noexcept;

}  // namespace twincached::protocol
