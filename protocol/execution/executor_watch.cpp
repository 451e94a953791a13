// What an executor tells those who watch. Each of these costs one relaxed load if nobody does.
#include "protocol/execution/executor.hpp"
#include "protocol/observation/watch_events.hpp"

namespace twincached::protocol {

using storage::ItemView;
using storage::Miss;
using storage::Now;
using storage::WriteMode;
using storage::WriteOutcome;

namespace {

std::uint64_t ttl_of(storage::Expiry expiry, const Now& now) noexcept {
    return expiry.seconds_left(now.tick()).value_or(0);
}

std::string_view command_of(const storage::Write& request) noexcept {
    switch (request.mode) {
        case WriteMode::set:
            return request.compare_cas ? "cas" : "set";
        case WriteMode::add:
            return "add";
        case WriteMode::replace:
            return "replace";
        case WriteMode::append:
            return "append";
        case WriteMode::prepend:
            return "prepend";
    }
    return "set";
}

}  // namespace

std::unique_ptr<Watcher> Executor::watch(WatchTopics topics) noexcept {
    if (origin_.waker == nullptr) return nullptr;
    return watch_log_.watch(topics, *origin_.waker);
}

void Executor::tell_found(const ItemView& item) noexcept {
    if (!watch_log_.wants(WatchTopic::fetchers)) return;
    tell_fetch(watch_log_,
               {item.key, Miss::none, class_of(item), item.value.size(), origin_.connection});
}

void Executor::tell_missed(std::string_view key, Miss miss) noexcept {
    if (!watch_log_.wants(WatchTopic::fetchers)) return;
    tell_fetch(watch_log_, {key, miss, 0, 0, origin_.connection});
}

// What changes an item looks at it first; watchers of memcached see that as a fetch, too.
void Executor::tell_looked_up(const storage::Key& key, const Now& now) noexcept {
    if (!watch_log_.wants(WatchTopic::fetchers)) return;
    const bool found = store_.peek(key, now, [&](const ItemView& item) { tell_found(item); });
    if (!found) tell_missed(key.bytes, Miss::absent);
}

void Executor::tell_written(std::string_view key, const storage::Write& request,
                            std::uint64_t bytes, const storage::WriteResult& result,
                            const Now& now) noexcept {
    if (!watch_log_.wants(WatchTopic::mutations)) return;
    const bool stored = result.outcome == WriteOutcome::stored;
    StoreEvent event;
    event.key = key;
    event.outcome = result.outcome;
    event.command = command_of(request);
    event.ttl = ttl_of(stored ? result.expiry : request.expiry, now);
    event.size = stored ? result.size : bytes;
    event.size_class =
        classes_.of(storage::accounted_bytes(key.size(), event.size, request.client_flags));
    event.connection = origin_.connection;
    tell_store(watch_log_, event);
}

void Executor::tell_vivified(std::string_view key, storage::Expiry expiry, std::uint64_t size,
                             const Now& now) noexcept {
    if (!watch_log_.wants(WatchTopic::mutations)) return;
    StoreEvent event;
    event.key = key;
    event.command = "add";
    event.ttl = ttl_of(expiry, now);
    event.size = size;
    event.size_class = classes_.of(storage::accounted_bytes(key.size(), size, 0));
    event.connection = origin_.connection;
    tell_store(watch_log_, event);
}

void Executor::tell_removed(std::string_view key, const storage::Remove& request,
                            const storage::RemoveResult& result, std::string_view verb) noexcept {
    if (!watch_log_.wants(WatchTopic::deletions)) return;
    // An item that only became stale or empty is still there.
    if (request.invalidate || request.clear) return;
    tell_delete(watch_log_, {key, verb, classes_.of(result.accounted), result.size});
}

}  // namespace twincached::protocol
