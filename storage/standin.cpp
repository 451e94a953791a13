// A stand-in for the store, with its interface and its answers but on std::map, so that the rooms
// around it can run before the real one moves in. It keeps no memory limit and never evicts.
#include "storage/store.hpp"

#include "lib/mutex.hpp"
#include "lib/numbers.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace twincached::storage {
namespace {

struct Held {
    std::string value;
    std::uint64_t hash = 0;
    Version version = 0;
    std::uint64_t explicit_cas = 0;
    std::uint32_t client_flags = 0;
    Expiry expiry;
    Tick last_access = 0;
    bool has_explicit_cas = false, fetched = false, stale = false, won = false, binary_key = false;

    std::uint64_t cas() const { return has_explicit_cas ? explicit_cas : cas_of(version); }
};

struct Room {
    Shard face;  // first: a Shard& is found to be a Room&
    lib::Mutex mutex;
    std::map<std::string, Held, std::less<>> items;
    VersionClock clock = VersionClock::counter();
    Version flushed = 0;
    MutationSink* sink = nullptr;
    unsigned number = 0;

    static Room& of(Shard* shard) { return *reinterpret_cast<Room*>(shard); }

    Ticket tell(const Key& key, Version before, Version after, Version version, Cause cause) {
        return sink->on_change(number, {key, before, after, version, cause});
    }
    // The live item, dead ones being dropped on the way.
    Held* find(const Key& key, const Now& now, Miss* why = nullptr) {
        auto found = items.find(key.bytes);
        if (why != nullptr) *why = Miss::absent;
        if (found == items.end()) return nullptr;
        const bool flushed_away = found->second.version <= flushed && found->second.version != 0;
        if (!flushed_away && !found->second.expiry.is_past(now.tick())) return &found->second;
        if (why != nullptr) *why = flushed_away ? Miss::flushed : Miss::expired;
        const Version version = found->second.version;
        items.erase(found);
        tell(key, version, 0, version, flushed_away ? Cause::flushed : Cause::expired);
        return nullptr;
    }
    ItemView view(std::string_view key, const Held& held) const {
        ItemView item;
        item.key = key;
        item.value = held.value;
        item.hash = held.hash;
        item.version = held.version;
        item.cas = held.cas();
        item.client_flags = held.client_flags;
        item.expiry = held.expiry;
        item.last_access = held.last_access;
        item.explicit_cas = held.has_explicit_cas;
        item.fetched = held.fetched;
        item.stale = held.stale;
        item.won = held.won;
        item.binary_key = held.binary_key;
        return item;
    }
    Ticket erase(const Key& key, const Now& now) {
        const auto* old = find(key, now);
        const Version before = old != nullptr ? old->version : 0;
        items.erase(std::string(key.bytes));
        return tell(key, before, 0, clock.next_write(now.version_ms), Cause::local_delete);
    }
    Ticket put(const Key& key, Held held, const Now& now, WriteResult* result) {
        const auto* old = find(key, now);
        const Version before = old != nullptr ? old->version : 0;
        held.hash = key.hash;
        held.version = clock.next_write(now.version_ms);
        held.last_access = now.tick();
        if (result != nullptr)
            *result = {WriteOutcome::stored, held.cas(), held.value.size(), held.expiry, {}};
        const Version version = held.version;
        items.insert_or_assign(std::string(key.bytes), std::move(held));
        return tell(key, before, version, version, Cause::local_write);
    }
    Ticket touch(const Key& key, Held& held, Expiry expiry, const Now& now) {
        if (held.expiry == expiry) return {};
        const Version before = held.version;
        held.version = clock.next_touch(before, now.version_ms);
        held.expiry = expiry;
        return tell(key, before, held.version, held.version, Cause::local_write);
    }
};

struct State {
    explicit State(unsigned count) : rooms(count) {}
    std::vector<Room> rooms;
    lib::KeyedHash hash;
    StoreOptions options;
    MutationSink* sink = nullptr;
    lib::Mutex mutex;
    Store::FlushSchedule schedule;
};

lib::Mutex states_mutex;
std::map<const Store*, std::unique_ptr<State>> states;

State& state_of(const Store* store) {
    lib::MutexLock lock(states_mutex);
    return *states.at(store);
}
Room& room_of(const Store* store, const Key& key) {
    auto& state = state_of(store);
    return state.rooms[store->shard_of(key.hash)];
}

}  // namespace

unsigned planned_shard_count(const StoreOptions& options) noexcept {
    return options.shards != 0 ? options.shards : 4;
}

PinnedValue::PinnedValue(PinnedValue&&) noexcept {}
PinnedValue& PinnedValue::operator=(PinnedValue&&) noexcept {
    return *this;
}
PinnedValue::~PinnedValue() = default;
std::string_view PinnedValue::bytes() const noexcept {
    return {};
}
ValueReservation::ValueReservation(ValueReservation&&) noexcept {}
ValueReservation& ValueReservation::operator=(ValueReservation&&) noexcept {
    return *this;
}
ValueReservation::~ValueReservation() = default;
std::span<char> ValueReservation::bytes() const noexcept {
    return {};
}
ValueReservation::operator bool() const noexcept {
    return false;
}

Store::Store(const StoreOptions& options, const lib::KeyedHash& hash, MutationSink& sink) {
    auto state = std::make_unique<State>(planned_shard_count(options));
    state->hash = hash;
    state->options = options;
    state->sink = &sink;
    unsigned number = 0;
    for (auto& room : state->rooms) {
        room.number = number++;
        room.sink = &sink;
        if (options.node) room.clock = VersionClock::hybrid(*options.node);
    }
    lib::MutexLock lock(states_mutex);
    states[this] = std::move(state);
}
Store::~Store() {
    lib::MutexLock lock(states_mutex);
    states.erase(this);
}
Key Store::key(std::string_view bytes) const noexcept {
    return Key::of(bytes, state_of(this).hash);
}

ReadResult Store::get(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    return read(key, now, {}, [&](const ItemView& item, const ReadMarks&) { visit(item); });
}
void Store::get_many(std::span<const Key> keys, const Now& now,
                     lib::FunctionRef<void(std::size_t, const ItemView&)> visit,
                     lib::FunctionRef<void(std::size_t, Miss)> miss) noexcept {
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto result = get(keys[i], now, [&](const ItemView& item) { visit(i, item); });
        if (!result.hit()) miss(i, result.miss);
    }
}
ReadResult Store::read(const Key& key, const Now& now, const Read& request,
                       ReadVisitor visit) noexcept {
    auto& room = room_of(this, key);
    lib::MutexLock lock(room.mutex);
    ReadResult result;
    ReadMarks marks;
    auto* held = room.find(key, now, &result.miss);
    if (held == nullptr) {
        if (!request.vivify) return result;
        Held stub;
        stub.hash = key.hash;
        stub.has_explicit_cas = true;
        stub.explicit_cas =
            request.explicit_cas.value_or(cas_of(room.clock.next_write(now.version_ms)));
        stub.expiry = *request.vivify;
        stub.last_access = now.tick();
        stub.won = true;
        held = &room.items.insert_or_assign(std::string(key.bytes), stub).first->second;
        marks = {stub.expiry, Recache::won, true};
    } else {
        marks.expiry_before = held->expiry;
        if (request.touch) result.ticket = room.touch(key, *held, *request.touch, now);
        const auto left = held->expiry.seconds_left(now.tick());
        const bool due = held->stale || held->version == 0 || held->won ||
                         (request.recache_below && left && *left < *request.recache_below);
        if (due) marks.recache = held->won ? Recache::already_won : Recache::won;
        if (due) held->won = true;
    }
    result.miss = Miss::none;
    visit(room.view(key.bytes, *held), marks);
    if (!request.leave_no_mark) {
        held->fetched = !marks.vivified;
        held->last_access = now.tick();
    }
    return result;
}
ReadResult Store::touch(const Key& key, const Now& now, Expiry expiry) noexcept {
    auto& room = room_of(this, key);
    lib::MutexLock lock(room.mutex);
    ReadResult result;
    if (auto* held = room.find(key, now, &result.miss)) {
        result.miss = Miss::none;
        result.ticket = room.touch(key, *held, expiry, now);
    }
    return result;
}
bool Store::peek(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    auto& room = room_of(this, key);
    lib::MutexLock lock(room.mutex);
    return room.face.peek(key, now, visit);
}
WriteResult Store::write(const Key& key, const Now& now, const Write& request) noexcept {
    auto& room = room_of(this, key);
    lib::MutexLock lock(room.mutex);
    WriteResult result;
    const auto* old = room.find(key, now);
    Held held;
    const bool joins = request.mode == WriteMode::append || request.mode == WriteMode::prepend;
    if (request.compare_cas) {
        if (old == nullptr) return {WriteOutcome::not_found, 0, 0, {}, {}};
        if (old->cas() != *request.compare_cas) {
            if (!request.invalidate || *request.compare_cas > old->cas()) {
                return {WriteOutcome::exists, 0, 0, {}, {}};
            }
            held.stale = true;
        }
    }
    if (request.mode == WriteMode::add && old != nullptr) return result;
    if (request.mode == WriteMode::replace && old == nullptr) return result;
    if (joins && old == nullptr && !request.vivify) return result;
    held.client_flags = request.client_flags;
    held.expiry = joins && request.vivify ? *request.vivify : request.expiry;
    held.value = request.value;
    held.binary_key = request.binary_key;
    if (joins && old != nullptr) {
        const bool stale = held.stale;
        held = *old;
        held.stale = stale;
        held.has_explicit_cas = false;
        held.value = request.mode == WriteMode::append ? old->value + std::string(request.value)
                                                       : std::string(request.value) + old->value;
    }
    if (request.explicit_cas) {
        held.has_explicit_cas = true;
        held.explicit_cas = *request.explicit_cas;
    }
    if (held.expiry.is_past(now.tick())) {
        result = {WriteOutcome::stored, 0, held.value.size(), held.expiry, room.erase(key, now)};
        return result;
    }
    result.ticket = room.put(key, std::move(held), now, &result);
    return result;
}
WriteResult Store::write(const Key&, const Now&, const Write&, ValueReservation) noexcept {
    return {};
}
ArithmeticResult Store::add(const Key& key, const Now& now, const Arithmetic& request) noexcept {
    auto& room = room_of(this, key);
    lib::MutexLock lock(room.mutex);
    ArithmeticResult result;
    const auto* old = room.find(key, now);
    Held held;
    if (old == nullptr) {
        if (!request.vivify) return result;
        held.expiry = *request.vivify;
        result.number = request.initial;
        result.vivified = true;
        held.value = std::to_string(result.number);
    } else {
        if (request.compare_cas && old->cas() != *request.compare_cas) {
            result.outcome = ArithmeticOutcome::exists;
            return result;
        }
        held = *old;
        auto digits = std::string_view(held.value);
        digits = digits.substr(0, digits.find(' '));
        const auto number = lib::parse_number<std::uint64_t>(digits);
        if (!number) {
            result.outcome = ArithmeticOutcome::non_numeric;
            return result;
        }
        result.number = request.decrement ? (*number > request.delta ? *number - request.delta : 0)
                                          : *number + request.delta;
        auto text = std::to_string(result.number);
        if (request.decrement) text.resize(std::max(text.size(), held.value.size()), ' ');
        held.value = text;
        held.has_explicit_cas = false;
        if (request.touch) held.expiry = *request.touch;
    }
    if (request.explicit_cas) {
        held.has_explicit_cas = true;
        held.explicit_cas = *request.explicit_cas;
    }
    result.expiry = held.expiry;
    WriteResult written;
    result.ticket = room.put(key, std::move(held), now, &written);
    result.cas = written.cas;
    result.outcome = ArithmeticOutcome::done;
    return result;
}
RemoveResult Store::remove(const Key& key, const Now& now, const Remove& request) noexcept {
    auto& room = room_of(this, key);
    lib::MutexLock lock(room.mutex);
    auto* old = room.find(key, now);
    if (old == nullptr) {
        if (request.compare_cas) return {};
        return {RemoveOutcome::not_found, room.erase(key, now)};
    }
    if (request.compare_cas && old->cas() != *request.compare_cas)
        return {RemoveOutcome::exists, {}};
    if (!request.invalidate && !request.clear)
        return {RemoveOutcome::removed, room.erase(key, now)};
    Held held = *old;
    if (request.clear) {
        held.value.clear();
        held.client_flags = 0;
        if (!request.invalidate) held.expiry = Expiry::never();
    }
    if (request.invalidate) {
        held.stale = true;
        held.won = false;
        if (request.touch) held.expiry = *request.touch;
    }
    held.has_explicit_cas = request.explicit_cas.has_value();
    held.explicit_cas = request.explicit_cas.value_or(0);
    return {RemoveOutcome::removed, room.put(key, std::move(held), now, nullptr)};
}
void Store::drop_failed_write(const Key& key, const Now& now) noexcept {
    auto& room = room_of(this, key);
    lib::MutexLock lock(room.mutex);
    room.erase(key, now);
}
bool Store::is_large(std::uint64_t) const noexcept {
    return false;
}
bool Store::exceeds_limit(std::size_t key_bytes, std::uint64_t value_bytes,
                          std::uint32_t client_flags) const noexcept {
    return 48 + 8 + (client_flags != 0 ? 4U : 0U) + key_bytes + 1 + value_bytes + 2 >
           state_of(this).options.item_size_limit_bytes;
}
ValueReservation Store::reserve(std::uint64_t, const Now&) noexcept {
    return {};
}
PinnedValue Store::pin(const ItemView&) noexcept {
    return {};
}

Ticket Store::flush(const Now& now) noexcept {
    auto& state = state_of(this);
    std::uint64_t time = now.version_ms << 10;
    for (auto& room : state.rooms) {
        lib::MutexLock lock(room.mutex);
        time = std::max(time, room.clock.time() + 1);
    }
    const Version version = (time << 13) | (Version{state.options.node.value_or(0)} << 11);
    apply_flush(version);
    return state.sink->on_flush(version);
}
void Store::schedule_flush(std::uint64_t at_steady_ms, const Now& now) noexcept {
    const Version version = (std::max(version_time() + 1, now.version_ms << 10)) << 13;
    apply_flush_schedule(at_steady_ms, version);
    state_of(this).sink->on_flush_scheduled(at_steady_ms, version);
}
void Store::set_memory_limit(std::uint64_t bytes) noexcept {
    state_of(this).options.memory_limit_bytes = bytes;
}
std::uint64_t Store::memory_limit() const noexcept {
    return state_of(this).options.memory_limit_bytes;
}

unsigned Store::shard_count() const noexcept {
    return static_cast<unsigned>(state_of(this).rooms.size());
}
unsigned Store::shard_of(std::uint64_t hash) const noexcept {
    return static_cast<unsigned>(((hash >> 48) * shard_count()) >> 16);
}
unsigned Store::shard_of_bucket(BucketNumber bucket) const noexcept {
    return shard_of(std::uint64_t{bucket} << 48);
}
void Store::with_shard(unsigned shard, lib::FunctionRef<void(Shard&)> visit) noexcept {
    auto& room = state_of(this).rooms[shard];
    lib::MutexLock lock(room.mutex);
    visit(room.face);
}
void Store::apply_flush(Version version) noexcept {
    for (auto& room : state_of(this).rooms) {
        lib::MutexLock lock(room.mutex);
        room.clock.observe(version);
        room.flushed = std::max(room.flushed, version);
        for (auto item = room.items.begin(); item != room.items.end();) {
            if (item->second.version > room.flushed) {
                ++item;
                continue;
            }
            const auto dead = item++;
            const Key key{dead->first, dead->second.hash};
            room.tell(key, dead->second.version, 0, dead->second.version, Cause::flushed);
            room.items.erase(dead);
        }
    }
}
Version Store::flush_version() const noexcept {
    auto& room = state_of(this).rooms[0];
    lib::MutexLock lock(room.mutex);
    return room.flushed;
}
void Store::apply_flush_schedule(std::uint64_t at_steady_ms, Version version) noexcept {
    auto& state = state_of(this);
    lib::MutexLock lock(state.mutex);
    if (version > state.schedule.version) state.schedule = {at_steady_ms, version};
}
Store::FlushSchedule Store::flush_schedule() const noexcept {
    auto& state = state_of(this);
    lib::MutexLock lock(state.mutex);
    return state.schedule;
}
void Store::observe(Version version) noexcept {
    for (auto& room : state_of(this).rooms) {
        lib::MutexLock lock(room.mutex);
        room.clock.observe(version);
    }
}
std::uint64_t Store::version_time() const noexcept {
    std::uint64_t time = 0;
    for (auto& room : state_of(this).rooms) {
        lib::MutexLock lock(room.mutex);
        time = std::max(time, room.clock.time());
    }
    return time;
}
std::optional<Store::Cursor> Store::walk(Cursor cursor, std::size_t, const Now& now,
                                         ItemVisitor visit) noexcept {
    for (unsigned number = static_cast<unsigned>(cursor.hash); number < shard_count();) {
        auto& room = state_of(this).rooms[number];
        lib::MutexLock lock(room.mutex);
        for (auto& [key, held] : room.items) {
            if (!held.expiry.is_past(now.tick())) visit(room.view(key, held));
        }
        return number + 1 < shard_count() ? std::optional<Cursor>(Cursor{number + 1})
                                          : std::nullopt;
    }
    return std::nullopt;
}
std::chrono::milliseconds Store::maintain(const Now& now) noexcept {
    const auto schedule = flush_schedule();
    if (schedule.at_steady_ms != 0 && schedule.at_steady_ms <= now.steady_ms) {
        auto& state = state_of(this);
        {
            lib::MutexLock lock(state.mutex);
            state.schedule.at_steady_ms = 0;
        }
        flush(now);
    }
    return std::chrono::milliseconds(100);
}
StoreStats Store::stats() const noexcept {
    StoreStats stats;
    stats.memory_limit = memory_limit();
    for (auto& room : state_of(this).rooms) {
        lib::MutexLock lock(room.mutex);
        stats.items += room.items.size();
    }
    return stats;
}
void Store::reset_stats() noexcept {}

ApplyOutcome Shard::apply(const Record& record, const Now& now) noexcept {
    auto& room = Room::of(this);
    room.clock.observe(record.version);
    const auto* old = room.find(record.key, now);
    const Version before = old != nullptr ? old->version : 0;
    const Version known = std::max(
        {before, room.flushed, room.sink->known_version(room.number, record.key, old != nullptr)});
    if (record.version <= known) return ApplyOutcome::outdated;
    Held held;
    held.value = record.value;
    held.hash = record.key.hash;
    held.version = record.version;
    held.client_flags = record.client_flags;
    held.expiry = record.expiry;
    held.has_explicit_cas = record.explicit_cas.has_value();
    held.explicit_cas = record.explicit_cas.value_or(0);
    held.stale = record.stale;
    held.binary_key = record.binary_key;
    held.last_access = now.tick();
    room.items.insert_or_assign(std::string(record.key.bytes), std::move(held));
    room.tell(record.key, before, record.version, record.version, Cause::remote);
    return ApplyOutcome::applied;
}
ApplyOutcome Shard::apply_delete(const Key& key, Version version, const Now& now) noexcept {
    auto& room = Room::of(this);
    room.clock.observe(version);
    const auto* old = room.find(key, now);
    if (old == nullptr || old->version >= version) return ApplyOutcome::outdated;
    const Version before = old->version;
    room.items.erase(std::string(key.bytes));
    room.tell(key, before, 0, version, Cause::remote);
    return ApplyOutcome::applied;
}
bool Shard::apply_touch(const Key& key, Version version, Expiry expiry, const Now& now) noexcept {
    auto& room = Room::of(this);
    room.clock.observe(version);
    auto* old = room.find(key, now);
    if (old != nullptr && old->version >= version) return true;
    if (old == nullptr || write_of(old->version) != write_of(version)) return false;
    const Version before = old->version;
    old->version = version;
    old->expiry = expiry;
    room.tell(key, before, version, version, Cause::remote);
    return true;
}
void Shard::drop_in_doubt(const Key& key, const Now& now) noexcept {
    auto& room = Room::of(this);
    const auto* old = room.find(key, now);
    if (old == nullptr) return;
    const Version before = old->version;
    room.items.erase(std::string(key.bytes));
    room.tell(key, before, 0, before, Cause::in_doubt);
}
bool Shard::peek(const Key& key, const Now& now, ItemVisitor visit) noexcept {
    auto& room = Room::of(this);
    const auto* held = room.find(key, now);
    if (held != nullptr) visit(room.view(key.bytes, *held));
    return held != nullptr;
}
bool Shard::peek_hash(std::uint64_t hash, const Now& now, ItemVisitor visit) noexcept {
    auto& room = Room::of(this);
    bool any = false;
    for (const auto& [key, held] : room.items) {
        if (held.hash != hash || held.expiry.is_past(now.tick())) continue;
        any = true;
        visit(room.view(key, held));
    }
    return any;
}
void Shard::visit_bucket(BucketNumber bucket, const Now& now, ItemVisitor visit) noexcept {
    auto& room = Room::of(this);
    for (const auto& [key, held] : room.items) {
        if (bucket_of(held.hash) == bucket && !held.expiry.is_past(now.tick())) {
            visit(room.view(key, held));
        }
    }
}
void Shard::observe(Version version) noexcept {
    Room::of(this).clock.observe(version);
}
std::uint64_t Shard::version_time() const noexcept {
    return Room::of(const_cast<Shard*>(this)).clock.time();
}
Version Shard::flush_version() const noexcept {
    return Room::of(const_cast<Shard*>(this)).flushed;
}

}  // namespace twincached::storage
