#include "protocol/text/classic_verbs.hpp"

#include "protocol/text/text_parser.hpp"
#include "protocol/words.hpp"

#include <array>
#include <optional>

namespace twincached::protocol {

using storage::Expiry;
using storage::ItemView;
using storage::ReadMarks;
using storage::WriteMode;
using storage::WriteOutcome;

using Claims = Executor::Claims;

namespace {

// gets and gats tell the CAS unique, get and gat do not.
void write_value(Turn& turn, const ItemView& item, bool with_cas) {
    std::optional<std::uint64_t> cas;
    if (with_cas) cas = turn.executor.settings().shown_cas(item.cas);
    turn.answers.value(item, cas);
}

// The keys of a retrieval that are still to be answered. How far it has come is kept as a place in
// the line: so an answer of any length needs no memory but the output's high-water mark.
class KeyList {
  public:
    KeyList(const Command& command, AnswerProgress& progress) noexcept
        : words_(command.arguments.substr(progress.position)),
          size_(command.arguments.size()),
          progress_(progress) {}

    std::string_view next() noexcept {
        const auto key = words_.next();
        progress_.position = size_ - words_.rest().size();
        return key;
    }

  private:
    Words words_;
    std::size_t size_;
    AnswerProgress& progress_;
};

// Bytes of a line that take about as long to look over as a batch of keys to look up.
constexpr std::uint64_t bytes_per_check = 4096;

// A key that is none refuses the line before anything of it is answered. Returns what is to be said
// now; nothing: all of them are keys.
std::optional<Next> accept_keys(Turn& turn, const Command& command) {
    auto& progress = turn.progress;
    if (progress.accepted || !is_long_retrieval(command)) return std::nullopt;
    KeyList list(command, progress);
    for (;;) {
        if (turn.is_over()) return turn.suspend();
        turn.spend(1);
        const auto stop = progress.position + bytes_per_check;
        while (progress.position < stop) {
            const bool is_first = progress.position == 0;
            const auto key = list.next();
            if (key.empty() && !is_first) {
                progress.accepted = true;
                progress.position = 0;
                return std::nullopt;
            }
            if (!is_key(key)) return turn.answer(Answer::bad_line);
        }
    }
}

// With a limit for clients' memory (-o read_buf_mem_limit) the values of one answer are reckoned
// as memcached reckons them. Once a part has left, the client reads, and needs no more than that.
bool exceeds_memory(const Turn& turn) {
    if (turn.progress.started) return false;
    const auto& memory = turn.executor.counters().memory;
    return !memory.has_room_for(turn.progress.given * ClientMemory::answer_bytes);
}

// memcached says NOT_STORED of an append to what is absent, and NOT_FOUND of a cas.
Answer answer_for(WriteOutcome outcome) noexcept {
    switch (outcome) {
        case WriteOutcome::stored:
            return Answer::stored;
        case WriteOutcome::not_stored:
            return Answer::not_stored;
        case WriteOutcome::exists:
            return Answer::exists;
        case WriteOutcome::not_found:
            return Answer::not_found;
        case WriteOutcome::too_large:
            return Answer::too_large;
        case WriteOutcome::no_memory:
            return Answer::no_memory;
    }
    return Answer::no_memory;
}

// In batches, between which others have their turn: neither a long line nor a long answer holds the
// thread. What is suspended goes on from its place in the line, which stays in the input.
template <bool shows_cas>
Next execute_retrieval(Turn& turn, const Command& command) {
    const auto begins_at = turn.answers.output().size();
    if (const auto next = accept_keys(turn, command)) return *next;
    KeyList list(command, turn.progress);
    std::array<std::string_view, Executor::batch_limit> keys;
    for (;;) {
        if (turn.is_over()) return turn.suspend();
        turn.spend(1);
        std::size_t count = 0;
        while (count < keys.size()) {
            keys[count] = list.next();
            if (keys[count].empty()) break;
            ++count;
        }
        if (count == 0) return turn.answer(Answer::end);
        turn.executor.get_many(std::span(keys).first(count), turn.now, Claims::nothing,
                               [&](std::size_t, const ItemView* item, const ReadMarks&) {
                                   if (item == nullptr) return;
                                   write_value(turn, *item, shows_cas);
                                   ++turn.progress.given;
                               });
        if (exceeds_memory(turn)) {
            turn.executor.counters().totals.add(Count::response_obj_oom);
            turn.answers.output().truncate(begins_at);
            return turn.answer(Answer::no_memory_for_answer);
        }
    }
}

template <bool shows_cas>
Next execute_touch_retrieval(Turn& turn, const Command& command) {
    const auto expiry = Expiry::from_exptime(command.exptime, turn.now);
    if (const auto next = accept_keys(turn, command)) return *next;
    KeyList list(command, turn.progress);
    for (std::size_t count = 0;; ++count) {
        const bool begins_batch = count % Executor::batch_limit == 0;
        if (turn.output_is_full() || (begins_batch && turn.is_over())) return turn.suspend();
        if (begins_batch) turn.spend(1);
        const auto place = turn.progress.position;
        const auto key = list.next();
        if (key.empty()) return turn.answer(Answer::end);
        turn.executor.get_and_touch(key, turn.now, expiry, [&](const ItemView& item) {
            write_value(turn, item, shows_cas);
        });
        if (!turn.executor.is_undecided()) continue;
        // The same key again.
        turn.progress.position = place;
        return turn.undecided();
    }
}

template <WriteMode mode, bool compares_cas = false>
Next execute_storage(Turn& turn, const Command& command) {
    storage::Write request;
    request.mode = mode;
    request.client_flags = command.client_flags;
    request.expiry = Expiry::from_exptime(command.exptime, turn.now);
    request.value = turn.value;
    if (compares_cas) request.compare_cas = command.number;
    const auto result = turn.executor.write(command.key, turn.now, request, turn.reserved);
    if (turn.executor.is_undecided()) return turn.undecided();
    return turn.answer(answer_for(result.outcome));
}

// A time behind the key was allowed once; the parser accepts 0 and nothing else.
Next execute_delete(Turn& turn, const Command& command) {
    const auto result = turn.executor.remove(command.key, turn.now, {});
    if (turn.executor.is_undecided()) return turn.undecided();
    const bool removed = result.outcome == storage::RemoveOutcome::removed;
    return turn.answer(removed ? Answer::deleted : Answer::not_found);
}

template <bool decrement>
Next execute_arithmetic(Turn& turn, const Command& command) {
    storage::Arithmetic request;
    request.decrement = decrement;
    request.delta = command.number;
    const auto result = turn.executor.arithmetic(command.key, turn.now, request);
    if (turn.executor.is_undecided()) return turn.undecided();
    switch (result.outcome) {
        case storage::ArithmeticOutcome::done:
            turn.answers.number(result.number);
            return Next::go_on;
        case storage::ArithmeticOutcome::non_numeric:
            return turn.answer(Answer::non_numeric);
        case storage::ArithmeticOutcome::no_memory:
            return turn.answer(Answer::no_memory_for_number);
        case storage::ArithmeticOutcome::not_found:
        case storage::ArithmeticOutcome::exists:
            return turn.answer(Answer::not_found);
    }
    return Next::go_on;
}

Next execute_touch(Turn& turn, const Command& command) {
    const auto expiry = Expiry::from_exptime(command.exptime, turn.now);
    const bool hit = turn.executor.touch(command.key, turn.now, expiry, [](const ItemView&) {});
    if (turn.executor.is_undecided()) return turn.undecided();
    return turn.answer(hit ? Answer::touched : Answer::not_found);
}

constexpr bool with_cas = true;
constexpr bool compares = true;
constexpr bool down = true;

// Ordered by how often they are asked for: the look-up is linear.
constexpr Verb verbs[] = {
    {"get", parse_retrieval, execute_retrieval<!with_cas>},
    {"set", parse_storage, execute_storage<WriteMode::set>, Effect::sets, behind_flags_and_exptime},
    {"gets", parse_retrieval, execute_retrieval<with_cas>},
    {"delete", parse_delete, execute_delete, Effect::changes},
    {"add", parse_storage, execute_storage<WriteMode::add>, Effect::changes,
     behind_flags_and_exptime},
    {"incr", parse_arithmetic, execute_arithmetic<!down>, Effect::changes},
    {"decr", parse_arithmetic, execute_arithmetic<down>, Effect::changes},
    {"cas", parse_compare_storage, execute_storage<WriteMode::set, compares>, Effect::changes,
     behind_flags_and_exptime},
    {"touch", parse_touch, execute_touch, Effect::changes},
    {"gat", parse_touch_retrieval, execute_touch_retrieval<!with_cas>, Effect::changes},
    {"gats", parse_touch_retrieval, execute_touch_retrieval<with_cas>, Effect::changes},
    {"replace", parse_storage, execute_storage<WriteMode::replace>, Effect::changes,
     behind_flags_and_exptime},
    {"append", parse_storage, execute_storage<WriteMode::append>, Effect::changes,
     behind_flags_and_exptime},
    {"prepend", parse_storage, execute_storage<WriteMode::prepend>, Effect::changes,
     behind_flags_and_exptime},
};

}  // namespace

std::span<const Verb> classic_verbs() noexcept {
    return verbs;
}

std::size_t execute_gets(Turn& turn, const GetRun& run) {
    return turn.executor.get_many(run.keys(), turn.now, Claims::nothing,
                                  [&](std::size_t index, const ItemView* item, const ReadMarks&) {
                                      if (item != nullptr)
                                          write_value(turn, *item, is_gets(run.request(index)));
                                      turn.answers.write(Answer::end);
                                  });
}

}  // namespace twincached::protocol
