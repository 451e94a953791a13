#include "protocol/reports/dump.hpp"

#include "lib/allocation.hpp"
#include "protocol/base64.hpp"
#include "protocol/digits.hpp"
#include "protocol/line_end.hpp"
#include "protocol/uri_key.hpp"
#include "protocol/words.hpp"

#include <array>
#include <cstddef>

namespace twincached::protocol {

using storage::ItemView;
using storage::key_size_limit;

namespace {

// Items that one step looks at, under one lock after the other.
constexpr std::size_t step_items = 128;
// Steps until others have their turn.
constexpr unsigned steps_per_turn = 8;

// Ticks count from the start; people and scripts want a date.
std::int64_t unix_time_of(storage::Tick tick, const storage::Now& now) noexcept {
    return now.unix_seconds + (std::int64_t{tick} - std::int64_t{now.tick()});
}

// As `lru_crawler metadump`: the key URI-encoded, one line end without CR, a blank before it.
void write_metadump_line(Turn& turn, const ItemView& item) {
    constexpr std::size_t line_limit = uri_key_limit + 6 * digits_limit + 80;
    auto& bytes = turn.answers.output().bytes();
    char* const begin = bytes.prepare(line_limit);
    char* at = put_uri_key(put(begin, "key="), item.key);
    at = put(at, " exp=");
    at = put_number(at, item.expiry.is_never() ? -1 : unix_time_of(item.expiry.raw(), turn.now));
    at = put_number(put(at, " la="), unix_time_of(item.last_access, turn.now));
    at = put_number(put(at, " cas="), turn.executor.settings().shown_cas(item.cas));
    at = put(at, item.fetched ? " fetch=yes" : " fetch=no");
    at = put_number(put(at, " cls="), turn.executor.recorder().class_of(item));
    at = put_number(put(at, " size="), storage::accounted_bytes(item));
    at = put_number(put(at, " flags="), item.client_flags);
    at = put(at, " \n");
    bytes.commit(static_cast<std::size_t>(at - begin));
}

// A command that can be sent back as it is. A key that is no text goes out in base64.
void write_mgdump_line(Turn& turn, const ItemView& item) {
    auto& bytes = turn.answers.output().bytes();
    char* const begin = bytes.prepare(base64_size(key_size_limit) + 8);
    char* at = put(begin, "mg ");
    if (item.binary_key || !is_text_key(item.key)) {
        at = put(put_base64(at, item.key), " b");
    } else {
        at = put(at, item.key);
    }
    at = put(at, line_end);
    bytes.commit(static_cast<std::size_t>(at - begin));
}

// As memcached, 0 is said of an item that never expires.
void write_cachedump_line(Turn& turn, const ItemView& item) {
    auto& bytes = turn.answers.output().bytes();
    char* const begin = bytes.prepare(key_size_limit + 2 * digits_limit + 24);
    char* at = put(put(put(begin, "ITEM "), item.key), " [");
    at = put_number(at, item.value.size());
    at = put(at, " b; ");
    at = put_number(at, item.expiry.is_never() ? 0 : unix_time_of(item.expiry.raw(), turn.now));
    at = put(at, " s]\r\n");
    bytes.commit(static_cast<std::size_t>(at - begin));
}

// One turn of a walk. The position is where to go on; true at the end.
template <class Visit>
bool walk(Turn& turn, Visit&& visit) {
    auto& progress = turn.progress;
    lib::MemoryGuard guard;
    const auto guarded = [&](const ItemView& item) { guard.run([&] { visit(item); }); };
    for (unsigned step = 0; step < steps_per_turn; ++step) {
        if (turn.output_is_full()) return false;
        const auto next =
            turn.executor.store().walk({progress.position}, step_items, turn.now, guarded);
        guard.finish();
        if (!next) return true;
        progress.position = next->hash;
    }
    return false;
}

using WriteLine = void (*)(Turn& turn, const ItemView& item);

// All items are walked, whatever the class: they lie by hash here, not by class. So a dump of one
// class takes as long as one of all.
bool walk_classes(Turn& turn, ClassSet classes, WriteLine write_line) {
    return walk(turn, [&](const ItemView& item) {
        if (classes.contains(turn.executor.recorder().class_of(item))) write_line(turn, item);
    });
}

// What stands before a dump: refusals, once. Answer::ok if it may go on.
Answer begin_dump(const Turn& turn, std::string_view classes, Answer pipelined) noexcept {
    if (!turn.executor.settings().dump_enabled) {
        return pipelined == Answer::pipelined_metadump ? Answer::metadump_denied
                                                       : Answer::mgdump_denied;
    }
    if (turn.pipelined) return pipelined;
    return ClassSet::parse(classes) ? Answer::ok : Answer::class_invalid;
}

}  // namespace

// "hash" is another order of the same items in memcached; here there is only that one.
std::optional<ClassSet> ClassSet::parse(std::string_view text) noexcept {
    if (text == "all" || text == "hash") return ClassSet(~std::uint64_t{0});
    std::uint64_t mask = 0;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto id = lib::parse_number<unsigned>(text.substr(0, comma));
        if (!id || *id == 0 || *id >= storage::size_class_limit) return std::nullopt;
        mask |= std::uint64_t{1} << *id;
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return ClassSet(mask);
}

ClassSet ClassSet::only(unsigned size_class) noexcept {
    return ClassSet(std::uint64_t{1} << size_class);
}

Next execute_metadump(Turn& turn, std::string_view classes) {
    if (!turn.progress.started) {
        const auto begun = begin_dump(turn, classes, Answer::pipelined_metadump);
        turn.answers.write(begun);
        if (begun != Answer::ok) return Next::go_on;
    }
    const auto set = ClassSet::parse(classes);
    if (set && !walk_classes(turn, *set, write_metadump_line)) return turn.suspend();
    turn.answers.set_quiet(false);  // what has begun is ended, also with noreply
    return turn.answer(Answer::end);
}

Next execute_mgdump(Turn& turn, std::string_view classes) {
    if (!turn.progress.started) {
        const auto begun = begin_dump(turn, classes, Answer::pipelined_mgdump);
        turn.answers.write(begun);
        if (begun != Answer::ok) return Next::go_on;
    }
    const auto set = ClassSet::parse(classes);
    if (set && !walk_classes(turn, *set, write_mgdump_line)) return turn.suspend();
    turn.answers.set_quiet(false);
    return turn.answer(Answer::meta_end);
}

// No CAS, no promise: what is stored or dropped while the walk is under way may be told or not.
Next execute_cachedump(Turn& turn, std::string_view arguments) {
    if (!turn.executor.settings().dump_enabled) return turn.answer(Answer::dump_denied);
    Words words(arguments);
    const auto class_word = words.next();
    const auto limit_word = words.next();
    if (limit_word.empty()) return turn.answer(Answer::bad_stats_line);
    const auto size_class = parse_strict_word<std::uint32_t>(class_word);
    const auto limit = parse_strict_word<std::uint32_t>(limit_word);
    if (!size_class || !limit) return turn.answer(Answer::bad_line);
    if (*size_class >= storage::size_class_limit) return turn.answer(Answer::bad_class);
    auto& given = turn.progress.given;
    const auto wanted = [&] { return *limit == 0 || given < *limit; };
    const auto set = ClassSet::only(*size_class);
    const bool ended = walk(turn, [&](const ItemView& item) {
        // As with memcached, a key that is no text is left out.
        if (item.binary_key || !is_text_key(item.key)) return;
        if (!wanted() || !set.contains(turn.executor.recorder().class_of(item))) return;
        write_cachedump_line(turn, item);
        ++given;
    });
    if (!ended && wanted()) return turn.suspend();
    return turn.answer(Answer::end);
}

}  // namespace twincached::protocol
