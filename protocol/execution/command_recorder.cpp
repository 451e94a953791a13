#include "protocol/execution/command_recorder.hpp"

#include "protocol/observation/watch_events.hpp"
#include "storage/numeric.hpp"

#include <bit>

namespace twincached::protocol {

using storage::ArithmeticOutcome;
using storage::ItemView;
using storage::Miss;
using storage::Now;
using storage::RemoveOutcome;
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

// --- what was read -------------------------------------------------------------------------------

void CommandRecorder::looked_up(std::span<const std::string_view> keys,
                                std::uint32_t hits) noexcept {
    count(Count::cmd_get, keys.size());
    if (hits != 0) count(Count::get_hits, static_cast<unsigned>(std::popcount(hits)));
    if (!shared_.observation.prefixes.is_enabled()) return;
    for (std::size_t i = 0; i < keys.size(); ++i)
        count_prefix_get(keys[i], (hits >> i & 1U) != 0);
}

void CommandRecorder::touched(std::string_view key, const storage::ReadResult& result) noexcept {
    note_use(key, 0);
    if (!result.hit()) tell_missed(key, result.miss);
    count_touch(result.hit());
}

void CommandRecorder::found_or_vivified(const storage::ItemView& item, bool vivified,
                                        const Now& now) noexcept {
    count_in_class(class_of(item), ClassCount::get_hits);
    if (vivified) {
        tell_missed(item.key, Miss::absent);
        tell_vivified(item.key, item.expiry, item.value.size(), now);
    } else {
        tell_found(item);
    }
    note_use(item.key, item.value.size());
}

void CommandRecorder::read(std::string_view key, const storage::Read& request,
                           const storage::ReadResult& result) noexcept {
    if (!result.hit()) {
        tell_missed(key, result.miss);
        note_use(key, 0);
    }
    count_prefix_get(key, result.hit());
    if (request.touch) return count_touch(result.hit());
    count(Count::cmd_get);
    if (!result.hit()) return count_miss(result.miss);
    count(Count::get_hits);
}

// --- what was changed ----------------------------------------------------------------------------

void CommandRecorder::written(const Written& written, const storage::Now& now) noexcept {
    const auto& [key, bytes, request, result] = written;
    count_written(class_of(storage::accounted_bytes(key.size(), bytes, request.client_flags)),
                  request, result.outcome);
    if (watch_log().wants(WatchTopic::mutations)) tell_written(written, now);
    note_use(key, bytes);
    auto& prefixes = shared_.observation.prefixes;
    if (prefixes.is_enabled()) prefixes.count_set(key, settings_.delimiter());
}

void CommandRecorder::count_written(unsigned size_class, const storage::Write& request,
                                    storage::WriteOutcome outcome) noexcept {
    count(Count::cmd_set);
    count_in_class(size_class, ClassCount::cmd_set);
    if (outcome == WriteOutcome::too_large) count(Count::store_too_large);
    if (outcome == WriteOutcome::no_memory) count(Count::store_no_memory);
    if (!request.compare_cas) return;
    if (outcome == WriteOutcome::stored) {
        count(Count::cas_hits);
        count_in_class(size_class, ClassCount::cas_hits);
    }
    if (outcome == WriteOutcome::exists) {
        count(Count::cas_badval);
        count_in_class(size_class, ClassCount::cas_badval);
    }
    if (outcome == WriteOutcome::not_found) count(Count::cas_misses);
}

void CommandRecorder::refused(std::string_view key, bool is_too_large) noexcept {
    count(is_too_large ? Count::store_too_large : Count::store_no_memory);
    if (!watch_log().wants(WatchTopic::mutations)) return;
    StoreEvent event;
    event.key = key;
    event.outcome = is_too_large ? WriteOutcome::too_large : WriteOutcome::no_memory;
    event.command = "set";
    event.connection = connection_;
    tell_store(watch_log(), event);
}

void CommandRecorder::reckoned(std::string_view key, const storage::Arithmetic& request,
                               const storage::ArithmeticResult& result, const Now& now) noexcept {
    note_use(key, 0);
    if (result.vivified) {
        const auto size = storage::NumberText().write(result.number).size();
        return tell_vivified(key, result.expiry, size, now);
    }
    if (result.outcome == ArithmeticOutcome::done) {
        count(request.decrement ? Count::decr_hits : Count::incr_hits);
        // A number never leaves the class of its key by more than one.
        count_in_class(class_of(storage::accounted_bytes(key.size(), 1, 0)),
                       request.decrement ? ClassCount::decr_hits : ClassCount::incr_hits);
    }
    if (result.outcome == ArithmeticOutcome::not_found) {
        count(request.decrement ? Count::decr_misses : Count::incr_misses);
    }
}

void CommandRecorder::removed(std::string_view key, const storage::Remove& request,
                              const storage::RemoveResult& result, std::string_view verb) noexcept {
    note_use(key, 0);
    auto& prefixes = shared_.observation.prefixes;
    if (prefixes.is_enabled()) prefixes.count_delete(key, settings_.delimiter());
    if (result.outcome == RemoveOutcome::not_found) count(Count::delete_misses);
    if (result.outcome != RemoveOutcome::removed) return;
    const auto size_class = class_of(result.accounted);
    count(Count::delete_hits);
    count_in_class(size_class, ClassCount::delete_hits);
    // An item that only became stale or empty is still there.
    if (request.invalidate || request.clear) return;
    if (!watch_log().wants(WatchTopic::deletions)) return;
    tell_delete(watch_log(), {key, verb, size_class, result.size});
}

// --- what watchers read --------------------------------------------------------------------------

void CommandRecorder::tell_found(const storage::ItemView& item) noexcept {
    if (!watch_log().wants(WatchTopic::fetchers)) return;
    tell_fetch(watch_log(), {item.key, Miss::none, class_of(item), item.value.size(), connection_});
}

void CommandRecorder::tell_missed(std::string_view key, storage::Miss miss) noexcept {
    if (!watch_log().wants(WatchTopic::fetchers)) return;
    tell_fetch(watch_log(), {key, miss, 0, 0, connection_});
}

void CommandRecorder::tell_looked_up(const storage::Key& key, const storage::Now& now) noexcept {
    const bool found = store_.peek(key, now, [&](const ItemView& item) { tell_found(item); });
    if (!found) tell_missed(key.bytes, Miss::absent);
}

void CommandRecorder::tell_written(const Written& written, const storage::Now& now) noexcept {
    const auto& [key, bytes, request, result] = written;
    const bool stored = result.outcome == WriteOutcome::stored;
    StoreEvent event;
    event.key = key;
    event.outcome = result.outcome;
    event.command = command_of(request);
    event.ttl = ttl_of(stored ? result.expiry : request.expiry, now);
    event.size = stored ? result.size : bytes;
    event.size_class =
        class_of(storage::accounted_bytes(key.size(), event.size, request.client_flags));
    event.connection = connection_;
    tell_store(watch_log(), event);
}

void CommandRecorder::tell_vivified(std::string_view key, storage::Expiry expiry,
                                    std::uint64_t value_bytes, const Now& now) noexcept {
    if (!watch_log().wants(WatchTopic::mutations)) return;
    StoreEvent event;
    event.key = key;
    event.command = "add";
    event.ttl = ttl_of(expiry, now);
    event.size = value_bytes;
    event.size_class = class_of(storage::accounted_bytes(key.size(), value_bytes, 0));
    event.connection = connection_;
    tell_store(watch_log(), event);
}

}  // namespace twincached::protocol
