#include "protocol/meta/meta_verbs.hpp"

#include "protocol/base64.hpp"
#include "protocol/digits.hpp"
#include "protocol/line_end.hpp"
#include "protocol/meta/meta_answer.hpp"
#include "protocol/meta/meta_parser.hpp"
#include "protocol/meta/plain_meta_get.hpp"
#include "protocol/uri_key.hpp"

#include <algorithm>
#include <limits>

namespace twincached::protocol {

using storage::ArithmeticOutcome;
using storage::Expiry;
using storage::ItemView;
using storage::ReadMarks;
using storage::Recache;
using storage::WriteMode;
using storage::WriteOutcome;

namespace {

constexpr MetaStatus has_data{'H', 'D'};
constexpr MetaStatus with_value{'V', 'A'};
constexpr MetaStatus no_item{'E', 'N'};
constexpr MetaStatus not_found{'N', 'F'};
constexpr MetaStatus not_stored{'N', 'S'};
constexpr MetaStatus exists{'E', 'X'};

std::int64_t ttl_of(Expiry expiry, const storage::Now& now) noexcept {
    const auto left = expiry.seconds_left(now.tick());
    return left ? std::int64_t{*left} : -1;
}

std::uint32_t seconds_since(storage::Tick tick, const storage::Now& now) noexcept {
    return now.tick() > tick ? now.tick() - tick : 0;
}

std::optional<Expiry> expiry_if(const Turn& turn, bool given, std::int64_t seconds) noexcept {
    if (!given) return std::nullopt;
    return Expiry::from_exptime(seconds, turn.now);
}

// N and T are obeyed in the order in which they came: the later one decides how long what N creates
// shall live.
std::optional<Expiry> expiry_of_created(const Turn& turn, const MetaFlags& meta) noexcept {
    const bool is_touched_last = meta.has('T') && meta.is_before('N', 'T');
    return expiry_if(turn, meta.has('N'), is_touched_last ? meta.ttl : meta.vivify_ttl);
}

std::optional<std::uint64_t> number_if(bool given, std::uint64_t number) noexcept {
    return given ? std::optional(number) : std::nullopt;
}

void tell_ttl(const Turn& turn, const MetaFlags& meta, bool is_created, Expiry before,
              MetaFacts& facts) noexcept {
    const auto ttl = [&](std::int64_t exptime) {
        return ttl_of(Expiry::from_exptime(exptime, turn.now), turn.now);
    };
    if (meta.has('T')) facts.ttl_touched = ttl(meta.ttl);
    if (is_created) facts.ttl_created = ttl(meta.vivify_ttl);
    facts.ttl = is_created ? *facts.ttl_created : ttl_of(before, turn.now);
}

// A request that was suspended is counted once.
void count_meta(Turn& turn) {
    if (turn.progress.started) return;
    turn.executor.counters().totals.add(Count::cmd_meta);
}

// The key as the request had it: what can be returned whatever became of the item.
MetaFacts facts_of_request(std::string_view key, const MetaFlags& meta) noexcept {
    MetaFacts facts;
    facts.key = key;
    facts.binary_key = meta.has('b');
    return facts;
}

MetaFacts facts_of_request(const Command& command) noexcept {
    return facts_of_request(command.key, command.meta);
}

Next status_line(Turn& turn, const Command& command, MetaStatus status) {
    MetaAnswer(turn.answers.output(), status)
        .flags(command.meta, facts_of_request(command))
        .end_line();
    return Next::go_on;
}

void answer_miss(Turn& turn, std::string_view key, const MetaFlags& meta) {
    if (meta.has('q')) return;
    MetaAnswer(turn.answers.output(), no_item).flags(meta, facts_of_request(key, meta)).end_line();
}

// Who is to recache comes after the flags, in memcached's order.
void write_marks(MetaAnswer& line, const ItemView& item, const ReadMarks& marks) {
    if (marks.recache == Recache::already_won) line.mark('Z');
    if (item.stale) line.mark('X');
    if (marks.recache == Recache::won || marks.vivified) line.mark('W');
}

// Flags are answered in the order in which they were asked for; marks follow. The facts are those
// of the item as it was found, but for what the command itself has changed of it: T, and a CAS
// unique.
void answer_hit(Turn& turn, const MetaFlags& meta, const ItemView& item, const ReadMarks& marks) {
    MetaFacts facts;
    facts.cas = turn.executor.settings().shown_cas(item.cas);
    facts.size = item.value.size();
    facts.client_flags = item.client_flags;
    facts.hit_before = item.fetched;
    facts.idle_seconds = seconds_since(item.last_access, turn.now);
    tell_ttl(turn, meta, marks.vivified, marks.expiry_before, facts);
    facts.key = item.key;
    // One that came in binary is no word of a line either.
    facts.binary_key = item.binary_key || (meta.has('k') && !is_text_key(item.key));
    // With C the client has the value already and wants it only if it has changed.
    const bool sends_value = meta.has('v') && !(meta.has('C') && item.cas == meta.cas);
    MetaAnswer line(turn.answers.output(), sends_value ? with_value : has_data,
                    number_if(sends_value, item.value.size()));
    line.flags(meta, facts);
    write_marks(line, item, marks);
    line.end_line();
    if (sends_value) turn.answers.data(item);
}

// No mode is a plain set.
WriteMode mode_of(char mode) noexcept {
    switch (mode) {
        case 'E':
            return WriteMode::add;
        case 'A':
            return WriteMode::append;
        case 'P':
            return WriteMode::prepend;
        case 'R':
            return WriteMode::replace;
        default:
            return WriteMode::set;
    }
}

MetaStatus status_of(WriteOutcome outcome) noexcept {
    switch (outcome) {
        case WriteOutcome::stored:
            return has_data;
        case WriteOutcome::exists:
            return exists;
        case WriteOutcome::not_found:
            return not_found;
        default:
            return not_stored;
    }
}

// t before T tells the time left before the command: seldom asked for, so it costs a look of its
// own instead of a field in every result.
std::optional<Expiry> expiry_before(Turn& turn, const Command& command) noexcept {
    std::optional<Expiry> expiry;
    if (!command.meta.has('t') || !command.meta.has('T')) return expiry;
    auto& store = turn.executor.store();
    store.peek(store.key(command.key), turn.now,
               [&](const ItemView& item) { expiry = item.expiry; });
    return expiry;
}

// The value goes out as digits that were made for the answer: the item may be gone, or another, by
// the time that the output is written.
Next answer_number(Turn& turn, const Command& command, const storage::ArithmeticResult& result,
                   std::optional<Expiry> before) {
    const auto& meta = command.meta;
    if (meta.has('q')) return Next::go_on;
    char digits[digits_limit];
    const std::string_view number(
        digits, static_cast<std::size_t>(put_number(digits, result.number) - digits));
    auto facts = facts_of_request(command);
    facts.cas = turn.executor.settings().shown_cas(result.cas);
    tell_ttl(turn, meta, result.vivified, before.value_or(result.expiry), facts);
    auto& output = turn.answers.output();
    const bool sends_value = meta.has('v');
    MetaAnswer(output, sends_value ? with_value : has_data, number_if(sends_value, number.size()))
        .flags(meta, facts)
        .end_line();
    if (sends_value) {
        output.append(number);
        output.append(line_end);
    }
    return Next::go_on;
}

// One command does what get, gat, a lease and a recache lock do: the store decides all of it under
// one lock, so that of two readers at most one is told to recache.
Next execute_meta_get(Turn& turn, const Command& command) {
    count_meta(turn);
    const auto& meta = command.meta;
    storage::Read request;
    request.touch = expiry_if(turn, meta.has('T'), meta.ttl);
    request.vivify = expiry_of_created(turn, meta);
    request.explicit_cas = number_if(meta.has('E'), meta.explicit_cas);
    request.leave_no_mark = meta.has('u');
    request.touches_first = meta.is_before('T', 'R');
    if (meta.has('R')) {
        constexpr std::int64_t limit = std::numeric_limits<std::uint32_t>::max();
        request.recache_below =
            static_cast<std::uint32_t>(std::clamp<std::int64_t>(meta.recache_below, 0, limit));
    }
    const bool hit = turn.executor.read(
        command.key, turn.now, request,
        [&](const ItemView& item, const ReadMarks& marks) { answer_hit(turn, meta, item, marks); });
    if (turn.executor.is_undecided()) return turn.undecided();
    if (!hit) answer_miss(turn, command.key, meta);
    return Next::go_on;
}

// What is not stored is answered with the size that was sent, what is stored with the size that the
// item has now: after an append the two differ.
Next execute_meta_set(Turn& turn, const Command& command) {
    count_meta(turn);
    const auto& meta = command.meta;
    storage::Write request;
    request.mode = mode_of(meta.mode);
    request.client_flags = meta.client_flags;
    request.expiry = Expiry::from_exptime(meta.ttl, turn.now);
    request.value = turn.value;
    request.compare_cas = number_if(meta.has('C'), meta.cas);
    request.explicit_cas = number_if(meta.has('E'), meta.explicit_cas);
    request.vivify = expiry_if(turn, meta.has('N'), meta.vivify_ttl);
    request.invalidate = meta.has('I');
    request.binary_key = meta.has('b');
    const auto result = turn.executor.write(command.key, turn.now, request, turn.reserved);
    if (turn.executor.is_undecided()) return turn.undecided();
    if (result.outcome == WriteOutcome::too_large) return turn.answer(Answer::too_large);
    if (result.outcome == WriteOutcome::no_memory) return turn.answer(Answer::no_memory);
    const bool stored = result.outcome == WriteOutcome::stored;
    if (stored && meta.has('q')) return Next::go_on;
    auto facts = facts_of_request(command);
    facts.cas = turn.executor.settings().shown_cas(result.cas);
    facts.size = stored ? result.size : command.value_bytes;
    MetaAnswer(turn.answers.output(), status_of(result.outcome)).flags(meta, facts).end_line();
    return Next::go_on;
}

// With I the item stays, marked stale, so that one reader may recache it while the others are still
// served; with x its value and client flags go, and the item stays.
Next execute_meta_delete(Turn& turn, const Command& command) {
    count_meta(turn);
    const auto& meta = command.meta;
    storage::Remove request;
    request.compare_cas = number_if(meta.has('C'), meta.cas);
    request.explicit_cas = number_if(meta.has('E'), meta.explicit_cas);
    request.touch = expiry_if(turn, meta.has('T'), meta.ttl);
    request.invalidate = meta.has('I');
    request.clear = meta.has('x');
    const auto result = turn.executor.remove(command.key, turn.now, request, "md");
    if (turn.executor.is_undecided()) return turn.undecided();
    switch (result.outcome) {
        case storage::RemoveOutcome::removed:
            return meta.has('q') ? Next::go_on : status_line(turn, command, has_data);
        case storage::RemoveOutcome::exists:
            // To memcached it is a miss here, and not in binary.
            turn.executor.counters().totals.add(Count::delete_misses);
            return status_line(turn, command, exists);
        case storage::RemoveOutcome::not_found:
            return status_line(turn, command, not_found);
    }
    return Next::go_on;
}

// N makes the item of a miss, with the initial value and without the delta.
Next execute_meta_arithmetic(Turn& turn, const Command& command) {
    count_meta(turn);
    const auto& meta = command.meta;
    storage::Arithmetic request;
    request.decrement = meta.mode == 'D' || meta.mode == '-';
    request.delta = meta.delta;
    // Here, as with memcached, C0 asks for nothing.
    request.compare_cas = number_if(meta.has('C') && meta.cas != 0, meta.cas);
    request.explicit_cas = number_if(meta.has('E'), meta.explicit_cas);
    request.touch = expiry_if(turn, meta.has('T'), meta.ttl);
    request.vivify = expiry_of_created(turn, meta);
    request.initial = meta.initial;
    const auto before = expiry_before(turn, command);
    const auto result = turn.executor.arithmetic(command.key, turn.now, request);
    if (turn.executor.is_undecided()) return turn.undecided();
    switch (result.outcome) {
        case ArithmeticOutcome::done:
            return answer_number(turn, command, result, before);
        case ArithmeticOutcome::not_found:
            return status_line(turn, command, not_found);
        case ArithmeticOutcome::exists:
            return status_line(turn, command, exists);
        case ArithmeticOutcome::non_numeric:
            return turn.answer(Answer::non_numeric);
        case ArithmeticOutcome::no_memory:
            return turn.answer(Answer::no_memory_for_number);
    }
    return Next::go_on;
}

Next execute_meta_no_op(Turn& turn, const Command&) {
    return turn.answer(Answer::meta_no_op);
}

// For people: nothing of the item is marked or counted by looking at it. The room is reserved for
// the longest that a line can be, so that nothing is checked while it is put together.
Next execute_meta_debug(Turn& turn, const Command& command) {
    count_meta(turn);
    auto& store = turn.executor.store();
    auto& bytes = turn.answers.output().bytes();
    const bool found = store.peek(store.key(command.key), turn.now, [&](const ItemView& item) {
        constexpr auto key_limit = base64_size(storage::key_size_limit);
        char* const begin = bytes.prepare(key_limit + 5 * digits_limit + 64);
        char* at = put(begin, "ME ");
        at = item.binary_key ? put_base64(at, item.key) : put(at, item.key);
        at = put_number(put(at, " exp="), ttl_of(item.expiry, turn.now));
        at = put_number(put(at, " la="), seconds_since(item.last_access, turn.now));
        at = put_number(put(at, " cas="), turn.executor.settings().shown_cas(item.cas));
        at = put(at, item.fetched ? " fetch=yes" : " fetch=no");
        at = put_number(put(at, " cls="), turn.executor.recorder().class_of(item));
        at = put_number(put(at, " size="), storage::accounted_bytes(item));
        bytes.commit(static_cast<std::size_t>(put(at, line_end) - begin));
    });
    return found ? Next::go_on : turn.answer(Answer::meta_end);
}

Answer parse_nothing(Words, Command&) noexcept {
    return Answer::none;
}

// Ordered by how often they are asked for: the look-up is linear.
constexpr Verb verbs[] = {
    {"mg", parse_meta_get, execute_meta_get, Effect::changes_if_asked},
    {"ms", parse_meta_set, execute_meta_set, Effect::sets, behind_the_key},
    {"mn", parse_nothing, execute_meta_no_op},
    {"md", parse_meta_delete, execute_meta_delete, Effect::changes},
    {"ma", parse_meta_arithmetic, execute_meta_arithmetic, Effect::changes},
    {"me", parse_meta_debug, execute_meta_debug},
};

}  // namespace

std::span<const Verb> meta_verbs() noexcept {
    return verbs;
}

std::size_t execute_plain_meta_gets(Turn& turn, const GetRun& run) {
    const auto count = turn.executor.get_many(
        run.keys(), turn.now, Executor::Claims::recache,
        [&](std::size_t index, const ItemView* item, const ReadMarks& marks) {
            const auto meta = plain_flags_of(run, index);
            if (item != nullptr) return answer_hit(turn, meta, *item, marks);
            answer_miss(turn, run.keys()[index], meta);
        });
    turn.executor.counters().totals.add(Count::cmd_meta, count);
    return count;
}

}  // namespace twincached::protocol
