#include "protocol/execution/executor.hpp"

#include "lib/allocation.hpp"
#include "protocol/short_list.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <string>
#include <utility>
#include <variant>

namespace twincached::protocol {

using storage::ItemView;
using storage::Key;
using storage::Miss;
using storage::ReadMarks;

namespace {

// What becomes of it depends on what the key holds.
bool is_conditional(const storage::Write& request) noexcept {
    return request.mode != storage::WriteMode::set || request.compare_cas.has_value();
}

// With the value, which may lie in the store's memory already.
storage::Operation operation_of(std::string_view key, const storage::Write& request,
                                const storage::ValueReservation* reserved) {
    auto value = request.value;
    if (reserved != nullptr) value = {reserved->bytes().data(), reserved->bytes().size()};
    auto bare = request;
    bare.value = {};
    return {bare, std::string(key), std::string(value)};
}

}  // namespace

Executor::Executor(Service& service, ThreadCounters& counters, const ClientOrigin& origin)
    : service_(service),
      store_(service.store()),
      settings_(service.settings()),
      recorder_(service, counters, origin.connection),
      origin_(origin) {
    if (settings_.confirmation != Confirmation::none) tickets_ = std::make_unique<TicketList>();
}

// --- reads ---------------------------------------------------------------------------------------

std::size_t Executor::get_many(std::span<const std::string_view> keys, const storage::Now& now,
                               Claims claims, BatchVisitor visit) {
    assert(keys.size() <= batch_limit);
    auto request = storage::plain_get;
    request.claims_recache = claims == Claims::recache;
    request.defers_claims = asks(true);
    std::uint32_t hits = 0;  // one bit per key
    static_assert(batch_limit <= 32);
    lib::MemoryGuard guard;
    const auto on_hit = [&](std::size_t index, const ItemView& item, const ReadMarks& marks) {
        hits |= 1U << index;
        recorder_.found(item);
        guard.run([&] { visit(index, &item, marks); });
    };
    const auto on_miss = [&](std::size_t index, Miss miss) {
        recorder_.missed(keys[index], miss);
        guard.run([&] { visit(index, nullptr, {}); });
    };
    // All are hashed, and what they need is fetched, before any of them is looked up.
    ShortList<Key, batch_limit> hashed;
    for (const auto key : keys)
        hashed.add(store_.key(key));
    const auto count = store_.get_many(hashed.all(), now, request, on_hit, on_miss);
    recorder_.looked_up(keys.first(count), hits);
    guard.finish();
    return count;
}

// Counted as a touch by the store, and as a get by the prefix: as memcached does.
bool Executor::get_and_touch(std::string_view key, const storage::Now& now, storage::Expiry expiry,
                             storage::ItemVisitor visit) {
    const bool hit = touch(key, now, expiry, visit);
    if (!is_undecided()) recorder_.count_prefix_get(key, hit);
    return hit;
}

// To touch claims no recache: who only prolongs a life has not read the value.
bool Executor::touch(std::string_view key, const storage::Now& now, storage::Expiry expiry,
                     storage::ItemVisitor visit) {
    storage::Read request;
    request.touch = expiry;
    request.claims_recache = false;
    lib::MemoryGuard guard;
    const auto on_hit = [&](const ItemView& item, const storage::ReadMarks&) {
        recorder_.found_to_touch(item);
        guard.run([&] { visit(item); });
    };
    const auto hashed = store_.key(key);
    const auto result = asks(false) ? read_elsewhere(hashed, now, request, on_hit)
                                    : store_.read(hashed, now, request, on_hit);
    if (is_undecided()) return false;
    recorder_.touched(key, result);
    note(result.ticket);
    guard.finish();
    return result.hit();
}

bool Executor::read(std::string_view key, const storage::Now& now, const storage::Read& request,
                    storage::ReadVisitor visit) {
    lib::MemoryGuard guard;
    const auto on_hit = [&](const ItemView& item, const storage::ReadMarks& marks) {
        recorder_.found_or_vivified(item, request, marks.vivified, now);
        guard.run([&] { visit(item, marks); });
    };
    const auto hashed = store_.key(key);
    const auto result = arbiter() != nullptr ? read_or_ask(hashed, now, request, on_hit)
                                             : store_.read(hashed, now, request, on_hit);
    if (is_undecided()) return false;
    recorder_.read(key, request, result);
    note(result.ticket);
    guard.finish();
    return result.hit();
}

// A recache is a lock: where it would be claimed, the node that decides gives it. What is merely
// read, is read here.
storage::ReadResult Executor::read_or_ask(const Key& key, const storage::Now& now,
                                          const storage::Read& request,
                                          storage::ReadVisitor visit) {
    const bool changes = request.touch.has_value();
    if (elsewhere_.has_question() || (changes && asks(false)))
        return read_elsewhere(key, now, request, visit);
    if (!asks(true)) return store_.read(key, now, request, visit);
    auto deferring = request;
    deferring.defers_claims = true;
    const auto result = store_.read(key, now, deferring, visit);
    return result.is_deferred ? read_elsewhere(key, now, request, visit) : result;
}

// --- what another node decides -------------------------------------------------------------------

storage::ReadResult Executor::read_elsewhere(const Key& key, const storage::Now& now,
                                             const storage::Read& request,
                                             storage::ReadVisitor visit) {
    const auto asked = elsewhere_.decide(*arbiter(), origin_, [&] {
        return storage::Operation{request, std::string(key.bytes), {}};
    });
    if (!asked)
        return is_undecided() ? storage::ReadResult{} : store_.read(key, now, request, visit);
    const auto& decision = asked->decision();
    if (decision.item) {
        auto item = decision.item->view(key.bytes);
        item.hash = key.hash;
        visit(item, decision.marks);
    }
    return std::get<storage::ReadResult>(decision.result);
}

// --- changes -------------------------------------------------------------------------------------

// What came in large has its memory already. Whether it is stored or not, the reservation is used
// up.
storage::WriteResult Executor::write(std::string_view key, const storage::Now& now,
                                     const storage::Write& request,
                                     storage::ValueReservation* reserved) {
    const auto hashed = store_.key(key);
    recorder_.before_change(hashed, now);
    // Before the reservation is handed over, and empty.
    const auto bytes = reserved != nullptr ? reserved->bytes().size() : request.value.size();
    if (asks(is_conditional(request))) {
        const auto asked = elsewhere_.decide(*arbiter(), origin_,
                                             [&] { return operation_of(key, request, reserved); });
        if (is_undecided()) return {};
        if (asked) {
            const auto decided = std::get<storage::WriteResult>(asked->decision().result);
            recorder_.written({key, bytes, request, decided}, now);
            return decided;
        }
    }
    const auto result = reserved != nullptr
                            ? store_.write(hashed, now, request, std::move(*reserved))
                            : store_.write(hashed, now, request);
    note(result.ticket);
    recorder_.written({key, bytes, request, result}, now);
    return result;
}

// The value was never here, but the client has meant to replace what is: as memcached, a set that
// fails takes the old value with it, so that nobody reads what should be gone.
void Executor::refuse_write(const RefusedWrite& refused, const storage::Now& now) noexcept {
    recorder_.refused(refused.key, refused.too_large);
    const auto hashed = store_.key(refused.key);
    recorder_.before_change(hashed, now);
    if (refused.is_set) store_.drop_failed_write(hashed, now);
}

storage::ArithmeticResult Executor::arithmetic(std::string_view key, const storage::Now& now,
                                               const storage::Arithmetic& request) {
    const auto hashed = store_.key(key);
    recorder_.before_change(hashed, now);
    if (asks(true)) {
        const auto asked = elsewhere_.decide(*arbiter(), origin_, [&] {
            return storage::Operation{request, std::string(key), {}};
        });
        if (is_undecided()) return {};
        if (asked) {
            const auto decided = std::get<storage::ArithmeticResult>(asked->decision().result);
            recorder_.reckoned(key, request, decided, now);
            return decided;
        }
    }
    const auto result = store_.add(hashed, now, request);
    note(result.ticket);
    recorder_.reckoned(key, request, result, now);
    return result;
}

storage::RemoveResult Executor::remove(std::string_view key, const storage::Now& now,
                                       const storage::Remove& request, std::string_view verb) {
    const auto hashed = store_.key(key);
    recorder_.before_change(hashed, now);
    if (asks(request.compare_cas.has_value())) {
        const auto asked = elsewhere_.decide(*arbiter(), origin_, [&] {
            return storage::Operation{request, std::string(key), {}};
        });
        if (is_undecided()) return {};
        if (asked) {
            const auto decided = std::get<storage::RemoveResult>(asked->decision().result);
            recorder_.removed(key, request, decided, verb);
            return decided;
        }
    }
    const auto result = store_.remove(hashed, now, request);
    note(result.ticket);
    recorder_.removed(key, request, result, verb);
    return result;
}

void Executor::flush(std::int64_t exptime, const storage::Now& now) {
    recorder_.flushed();
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

std::unique_ptr<Watcher> Executor::watch(WatchTopics topics) noexcept {
    if (origin_.waker == nullptr) return nullptr;
    return service_.shared().observation.watch_log.watch(topics, *origin_.waker);
}

}  // namespace twincached::protocol
