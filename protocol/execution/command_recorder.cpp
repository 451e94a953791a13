#include "protocol/execution/command_recorder.hpp"

#include "storage/numeric.hpp"

#include <bit>

namespace twincached::protocol {

using storage::ArithmeticOutcome;
using storage::ItemView;
using storage::Miss;
using storage::Now;
using storage::RemoveOutcome;
using storage::WriteOutcome;

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
    if (!result.hit()) teller().missed(key, result.miss);
    count_touch(result.hit());
}

void CommandRecorder::found_or_vivified(const storage::ItemView& item, const storage::Read& request,
                                        bool vivified, const Now& now) noexcept {
    count_in_class(class_of(item), request.touch ? ClassCount::touch_hits : ClassCount::get_hits);
    if (vivified) {
        teller().missed(item.key, Miss::absent);
        teller().vivified(item.key, item.expiry, item.value.size(), now);
    } else {
        teller().found(item);
    }
    note_use(item.key, item.value.size());
}

void CommandRecorder::read(std::string_view key, const storage::Read& request,
                           const storage::ReadResult& result) noexcept {
    if (!result.hit()) {
        teller().missed(key, result.miss);
        note_use(key, 0);
    }
    count_prefix_get(key, result.hit());
    // What was not found was not touched either.
    if (request.touch && result.hit()) return count_touch(true);
    count(Count::cmd_get);
    if (!result.hit()) return count_miss(result.miss);
    count(Count::get_hits);
}

// --- what was changed ----------------------------------------------------------------------------

void CommandRecorder::written(const Written& written, const storage::Now& now) noexcept {
    const auto& [key, bytes, request, result] = written;
    count_written(class_of(storage::accounted_bytes(key.size(), bytes, request.client_flags)),
                  request, result.outcome);
    teller().written(written, now);
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
    teller().refused(key, is_too_large ? WriteOutcome::too_large : WriteOutcome::no_memory);
}

void CommandRecorder::reckoned(std::string_view key, const storage::Arithmetic& request,
                               const storage::ArithmeticResult& result, const Now& now) noexcept {
    note_use(key, 0);
    if (result.vivified) {
        const auto size = storage::NumberText().write(result.number).size();
        return teller().vivified(key, result.expiry, size, now);
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
    // An item that only became stale or empty is still there.
    if (request.invalidate || request.clear) return;
    const auto size_class = class_of(result.accounted);
    count(Count::delete_hits);
    count_in_class(size_class, ClassCount::delete_hits);
    teller().removed({key, verb, size_class, result.size});
}

// What is looked at on the way to something else, and for no other reason than to tell of it.
void CommandRecorder::tell_looked_up(const storage::Key& key, const storage::Now& now) noexcept {
    const bool found = store_.peek(key, now, [&](const ItemView& item) { teller().found(item); });
    if (!found) teller().missed(key.bytes, Miss::absent);
}

}  // namespace twincached::protocol
