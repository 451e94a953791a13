#include "protocol/execution/executor.hpp"

#include "protocol/observation/watch_events.hpp"
#include "storage/numeric.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <limits>
#include <utility>

namespace twincached::protocol {

using storage::ArithmeticOutcome;
using storage::ItemView;
using storage::Key;
using storage::Miss;
using storage::Now;
using storage::RemoveOutcome;
using storage::WriteOutcome;

Executor::Executor(Service& service, ThreadCounters& counters, const ClientOrigin& origin) noexcept
    : service_(service),
      store_(service.store()),
      settings_(service.settings()),
      prefixes_(service.shared().observation.prefixes),
      classes_(service.shared().size_classes),
      watch_log_(service.shared().observation.watch_log),
      hot_keys_(service.shared().observation.hot_keys),
      counters_(counters),
      origin_(origin) {
    if (settings_.confirmation != Confirmation::none) tickets_ = std::make_unique<TicketList>();
}

void Executor::get_many(std::span<const std::string_view> keys, const Now& now,
                        BatchVisitor visit) noexcept {
    assert(keys.size() <= batch_limit);
    std::uint32_t hits = 0;  // one bit per key
    static_assert(batch_limit <= 32);
    const auto on_hit = [&](std::size_t index, const ItemView& item) {
        hits |= 1U << index;
        count_in_class(class_of(item), ClassCount::get_hits);
        tell_found(item);
        note_use(item.key, item.value.size());
        visit(index, &item);
    };
    const auto on_miss = [&](std::size_t index, Miss miss) {
        count_miss(miss);
        tell_missed(keys[index], miss);
        note_use(keys[index], 0);
        visit(index, nullptr);
    };
    if (keys.size() == 1) {
        const auto result = store_.get(store_.key(keys.front()), now,
                                       [&](const ItemView& item) { on_hit(0, item); });
        if (!result.hit()) on_miss(0, result.miss);
    } else {
        std::array<Key, batch_limit> hashed;
        for (std::size_t i = 0; i < keys.size(); ++i)
            hashed[i] = store_.key(keys[i]);
        store_.get_many(std::span(hashed).first(keys.size()), now, on_hit, on_miss);
    }
    count(Count::cmd_get, keys.size());
    if (hits != 0) count(Count::get_hits, static_cast<unsigned>(std::popcount(hits)));
    if (!prefixes_.is_enabled()) return;
    for (std::size_t i = 0; i < keys.size(); ++i)
        count_prefix(keys[i], (hits >> i & 1U) != 0);
}

bool Executor::get_and_touch(std::string_view key, const Now& now, storage::Expiry expiry,
                             storage::ItemVisitor visit) noexcept {
    const bool hit = touch(key, now, expiry, visit);
    count_prefix(key, hit);
    return hit;
}

bool Executor::touch(std::string_view key, const Now& now, storage::Expiry expiry,
                     storage::ItemVisitor visit) noexcept {
    storage::Read request;
    request.touch = expiry;
    request.claims_recache = false;
    const auto on_hit = [&](const ItemView& item, const storage::ReadMarks&) {
        count_in_class(class_of(item), ClassCount::touch_hits);
        tell_found(item);
        visit(item);
    };
    const auto result = store_.read(store_.key(key), now, request, on_hit);
    note(result.ticket);
    note_use(key, 0);
    if (!result.hit()) tell_missed(key, result.miss);
    count_touch(result.hit());
    return result.hit();
}

bool Executor::read(std::string_view key, const Now& now, const storage::Read& request,
                    storage::ReadVisitor visit) noexcept {
    const auto on_hit = [&](const ItemView& item, const storage::ReadMarks& marks) {
        count_in_class(class_of(item), ClassCount::get_hits);
        if (marks.vivified) {
            tell_missed(key, Miss::absent);
            tell_vivified(key, item.expiry, item.value.size(), now);
        } else {
            tell_found(item);
        }
        note_use(key, item.value.size());
        visit(item, marks);
    };
    const auto result = store_.read(store_.key(key), now, request, on_hit);
    note(result.ticket);
    if (!result.hit()) {
        tell_missed(key, result.miss);
        note_use(key, 0);
    }
    if (request.touch) {
        count_touch(result.hit());
    } else {
        count(Count::cmd_get);
        if (result.hit()) {
            count(Count::get_hits);
        } else {
            count_miss(result.miss);
        }
    }
    count_prefix(key, result.hit());
    return result.hit();
}

storage::WriteResult Executor::write(std::string_view key, const Now& now,
                                     const storage::Write& request,
                                     storage::ValueReservation* reserved) noexcept {
    const auto hashed = store_.key(key);
    tell_looked_up(hashed, now);
    const auto reserved_bytes = reserved != nullptr ? reserved->bytes().size() : 0;
    const auto result = reserved != nullptr
                            ? store_.write(hashed, now, request, std::move(*reserved))
                            : store_.write(hashed, now, request);
    note(result.ticket);
    const auto bytes = reserved != nullptr ? reserved_bytes : request.value.size();
    const auto size_class =
        classes_.of(storage::accounted_bytes(key.size(), bytes, request.client_flags));
    count_written(size_class, request, result.outcome);
    tell_written(key, request, bytes, result, now);
    note_use(key, bytes);
    if (prefixes_.is_enabled()) prefixes_.count_set(key, settings_.prefix_delimiter);
    return result;
}

void Executor::count_written(unsigned size_class, const storage::Write& request,
                             WriteOutcome outcome) noexcept {
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

void Executor::refuse_write(const RefusedWrite& refused, const Now& now) noexcept {
    const auto [key, is_set, too_large] = refused;
    count(too_large ? Count::store_too_large : Count::store_no_memory);
    if (watch_log_.wants(WatchTopic::mutations)) {
        StoreEvent event;
        event.key = key;
        event.outcome = too_large ? WriteOutcome::too_large : WriteOutcome::no_memory;
        event.command = "set";
        event.connection = origin_.connection;
        tell_store(watch_log_, event);
    }
    tell_looked_up(store_.key(key), now);
    if (is_set) store_.drop_failed_write(store_.key(key), now);
}

storage::ArithmeticResult Executor::arithmetic(std::string_view key, const Now& now,
                                               const storage::Arithmetic& request) noexcept {
    const auto hashed = store_.key(key);
    tell_looked_up(hashed, now);
    const auto result = store_.add(hashed, now, request);
    note(result.ticket);
    note_use(key, 0);
    if (result.vivified) {
        tell_vivified(key, result.expiry, storage::NumberText().write(result.number, 0).size(),
                      now);
    }
    if (result.outcome == ArithmeticOutcome::done && !result.vivified) {
        count(request.decrement ? Count::decr_hits : Count::incr_hits);
        // A number never leaves the class of its key by more than one.
        const auto bytes = storage::accounted_bytes(key.size(), 1, 0);
        count_in_class(classes_.of(bytes),
                       request.decrement ? ClassCount::decr_hits : ClassCount::incr_hits);
    }
    if (result.outcome == ArithmeticOutcome::not_found) {
        count(request.decrement ? Count::decr_misses : Count::incr_misses);
    }
    return result;
}

storage::RemoveResult Executor::remove(std::string_view key, const Now& now,
                                       const storage::Remove& request,
                                       std::string_view verb) noexcept {
    const auto hashed = store_.key(key);
    tell_looked_up(hashed, now);
    const auto result = store_.remove(hashed, now, request);
    note(result.ticket);
    note_use(key, 0);
    if (result.outcome == RemoveOutcome::removed) {
        count(Count::delete_hits);
        count_in_class(classes_.of(result.accounted), ClassCount::delete_hits);
        tell_removed(key, request, result, verb);
    }
    if (result.outcome == RemoveOutcome::not_found) count(Count::delete_misses);
    if (prefixes_.is_enabled()) prefixes_.count_delete(key, settings_.prefix_delimiter);
    return result;
}

void Executor::flush(std::int64_t exptime, const Now& now) noexcept {
    count(Count::cmd_flush);
    std::int64_t delay = exptime;
    if (exptime > storage::relative_exptime_limit) delay = exptime - now.unix_seconds;
    constexpr std::int64_t delay_limit = std::numeric_limits<storage::Tick>::max();
    delay = std::min(delay, delay_limit);
    if (delay > 0) {
        store_.schedule_flush(now.steady_ms + static_cast<std::uint64_t>(delay) * 1000, now);
        return;
    }
    // A flush at once takes the place of one that is still to come, as in memcached.
    if (store_.flush_schedule().at_steady_ms != 0) store_.schedule_flush(0, now);
    note(store_.flush(now));
}

void Executor::reset_stats() noexcept {
    service_.reset_counters();
    store_.reset_stats();
    service_.shared().observation.reset();
}

void Executor::count_prefix(std::string_view key, bool hit) noexcept {
    if (prefixes_.is_enabled()) prefixes_.count_get(key, settings_.prefix_delimiter, hit);
}

void Executor::count_touch(bool hit) noexcept {
    count(Count::cmd_touch);
    count(hit ? Count::touch_hits : Count::touch_misses);
}

void Executor::count_miss(Miss miss) noexcept {
    count(Count::get_misses);
    if (miss == Miss::expired) count(Count::get_expired);
    if (miss == Miss::flushed) count(Count::get_flushed);
}

}  // namespace twincached::protocol
