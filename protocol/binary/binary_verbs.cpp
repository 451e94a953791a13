#include "protocol/binary/binary_verbs.hpp"

#include "protocol/login/authentication.hpp"
#include "protocol/reports/stats_report.hpp"
#include "protocol/reports/stats_verb.hpp"

#include <array>
#include <limits>
#include <optional>

namespace twincached::protocol {

using storage::ArithmeticOutcome;
using storage::Expiry;
using storage::ItemView;
using storage::WriteMode;
using storage::WriteOutcome;

namespace {

// Clients expect a version of at most so many bytes.
constexpr std::size_t version_limit = 31;

// What one verb works with.
struct Call {
    Turn& turn;
    const BinaryRequest& request;
    BinaryAnswer answer;

    Call(Turn& of, const BinaryRequest& what) noexcept
        : turn(of), request(what), answer(of.answers.output(), what) {}

    bool is_quiet() const noexcept { return request.shape->is_quiet; }
    Expiry expiry_at(std::size_t offset) const noexcept {
        return Expiry::from_exptime(request.number32(offset), turn.now);
    }
    std::optional<std::uint64_t> compared_cas() const noexcept {
        return request.cas != 0 ? std::optional(request.cas) : std::nullopt;
    }
    Next done(std::uint64_t cas = 0) {
        if (!is_quiet()) answer.done(cas);
        return Next::go_on;
    }
    Next fail(BinaryStatus status) {
        answer.error(status);
        return Next::go_on;
    }
};

// As Turn::undecided(); both errors are memcached's temporary failure here.
Next undecided(Call& call) {
    if (call.turn.executor.take_undecided() == Undecided::awaited) return Next::await_decision;
    return call.fail(BinaryStatus::unavailable);
}

// What is said of a key that was looked for. A quiet miss is not answered: clients send many quiet
// gets and a loud no-op behind them, and know from its answer what was missing.
Next finish_read(Call& call, bool hit) {
    if (hit || call.is_quiet()) return Next::go_on;
    if (!call.request.shape->returns_key) return call.fail(BinaryStatus::not_found);
    call.answer.missed_key();
    return Next::go_on;
}

Next execute_get(Turn& turn, const BinaryRequest& request) {
    execute_gets(turn, {&request.key, 1}, {&request, 1});
    return Next::go_on;
}

Next execute_get_and_touch(Turn& turn, const BinaryRequest& request) {
    Call call(turn, request);
    auto& executor = turn.executor;
    const bool hit =
        executor.get_and_touch(request.key, turn.now, call.expiry_at(0), [&](const ItemView& item) {
            call.answer.item(item, executor.settings().shown_cas(item.cas), executor.store());
        });
    if (executor.is_undecided()) return undecided(call);
    return finish_read(call, hit);
}

// touch answers with the item's flags and no value, as memcached does, though no specification says
// so.
Next execute_touch(Turn& turn, const BinaryRequest& request) {
    Call call(turn, request);
    auto& executor = turn.executor;
    const bool hit =
        executor.touch(request.key, turn.now, call.expiry_at(0), [&](const ItemView& item) {
            call.answer.touched_item(item, executor.settings().shown_cas(item.cas));
        });
    if (executor.is_undecided()) return undecided(call);
    return finish_read(call, hit);
}

// Why nothing was stored is told by another word for each verb.
constexpr BinaryStatus status_of_not_stored(WriteMode mode) noexcept {
    switch (mode) {
        case WriteMode::add:
            return BinaryStatus::exists;
        case WriteMode::replace:
            return BinaryStatus::not_found;
        case WriteMode::set:
        case WriteMode::append:
        case WriteMode::prepend:
            return BinaryStatus::not_stored;
    }
    return BinaryStatus::not_stored;
}

// Opaque and key are echoed by the answer itself. A value that came in pieces is already in its
// extent (`turn.reserved`): then the store takes it over without a copy.
template <WriteMode mode>
Next execute_write(Turn& turn, const BinaryRequest& request) {
    Call call(turn, request);
    storage::Write write;
    write.mode = mode;
    write.value = turn.value;
    write.compare_cas = call.compared_cas();
    // With a CAS unique, set, add and replace are one and the same.
    const bool replaces_whole = mode != WriteMode::append && mode != WriteMode::prepend;
    if (write.compare_cas && replaces_whole) write.mode = WriteMode::set;
    constexpr std::size_t flags_and_exptime = 8;
    if (request.extras.size() == flags_and_exptime) {
        write.client_flags = request.number32(0);
        write.expiry = call.expiry_at(4);
    }
    const auto result = turn.executor.write(request.key, turn.now, write, turn.reserved);
    if (turn.executor.is_undecided()) return undecided(call);
    switch (result.outcome) {
        case WriteOutcome::stored:
            return call.done(turn.executor.settings().shown_cas(result.cas));
        case WriteOutcome::not_stored:
            return call.fail(status_of_not_stored(mode));
        case WriteOutcome::exists:
            return call.fail(BinaryStatus::exists);
        case WriteOutcome::not_found:
            return call.fail(BinaryStatus::not_found);
        case WriteOutcome::too_large:
            return call.fail(BinaryStatus::too_large);
        case WriteOutcome::no_memory:
            return call.fail(BinaryStatus::no_memory);
    }
    return Next::go_on;
}

Next execute_remove(Turn& turn, const BinaryRequest& request) {
    Call call(turn, request);
    storage::Remove remove;
    remove.compare_cas = call.compared_cas();
    const auto result = turn.executor.remove(request.key, turn.now, remove);
    if (turn.executor.is_undecided()) return undecided(call);
    switch (result.outcome) {
        case storage::RemoveOutcome::removed:
            return call.done();
        case storage::RemoveOutcome::exists:
            return call.fail(BinaryStatus::exists);
        case storage::RemoveOutcome::not_found:
            return call.fail(BinaryStatus::not_found);
    }
    return Next::go_on;
}

// A missing key is created with the initial value, unless the exptime is all ones: the only place
// in the protocol where that number is not a time.
template <bool decrement>
Next execute_arithmetic(Turn& turn, const BinaryRequest& request) {
    Call call(turn, request);
    constexpr std::size_t initial_offset = 8;
    constexpr std::size_t exptime_offset = 16;
    constexpr auto never_create = std::numeric_limits<std::uint32_t>::max();
    storage::Arithmetic arithmetic;
    arithmetic.decrement = decrement;
    arithmetic.delta = request.number64(0);
    arithmetic.initial = request.number64(initial_offset);
    arithmetic.compare_cas = call.compared_cas();
    if (request.number32(exptime_offset) != never_create) {
        arithmetic.vivify = call.expiry_at(exptime_offset);
    }
    auto& executor = turn.executor;
    const auto result = executor.arithmetic(request.key, turn.now, arithmetic);
    if (executor.is_undecided()) return undecided(call);
    switch (result.outcome) {
        case ArithmeticOutcome::done:
            if (!call.is_quiet()) {
                call.answer.number(result.number, executor.settings().shown_cas(result.cas));
            }
            return Next::go_on;
        case ArithmeticOutcome::not_found:
            return call.fail(BinaryStatus::not_found);
        case ArithmeticOutcome::exists:
            return call.fail(BinaryStatus::exists);
        case ArithmeticOutcome::non_numeric:
            return call.fail(BinaryStatus::non_numeric);
        case ArithmeticOutcome::no_memory:
            return call.fail(BinaryStatus::no_memory);
    }
    return Next::go_on;
}

// Where flush_all is switched off (-F) memcached answers "authentication error" here, for want of a
// status that would say it.
Next execute_flush(Turn& turn, const BinaryRequest& request) {
    Call call(turn, request);
    auto& executor = turn.executor;
    if (!executor.settings().flush_enabled) return call.fail(BinaryStatus::authentication);
    executor.flush(request.extras.empty() ? 0 : request.number32(0), turn.now);
    return call.done();
}

Next execute_stat(Turn& turn, const BinaryRequest& request) {
    Call call(turn, request);
    const auto what = request.key;
    const auto write = [&](std::string_view key, std::string_view value) {
        call.answer.stat(key, value);
    };
    auto& prefixes = turn.executor.service().shared().observation.prefixes;
    spend_on_report(turn, what == "detail dump");
    if (what == "conns") {
        if (!report_some_connections(turn, write)) return turn.suspend();
    } else if (what == "detail on" || what == "detail off") {
        prefixes.set_enabled(what == "detail on");
    } else if (what == "detail dump") {
        // As with memcached, one value that holds the lines of the text protocol.
        Output lines;
        AnswerWriter writer(lines, turn.executor.store());
        writer.prefixes(prefixes);
        write("detailed", lines.bytes().readable());
    } else if (what == "reset") {
        turn.executor.service().reset_stats();
    } else if (!report_stats(turn.executor.service(), what, turn.now, write)) {
        return call.fail(BinaryStatus::not_found);
    }
    call.answer.done();  // an empty pair ends the list
    return Next::go_on;
}

Next execute_quit(Turn& turn, const BinaryRequest& request) {
    Call call(turn, request);
    call.done();
    return Next::close;
}

Next execute_no_op(Turn& turn, const BinaryRequest& request) {
    return Call(turn, request).done();
}

Next execute_verbosity(Turn& turn, const BinaryRequest& request) {
    turn.executor.service().set_verbosity(request.number32(0));
    return Call(turn, request).done();
}

Next execute_version(Turn& turn, const BinaryRequest& request) {
    const auto version = turn.executor.service().version();
    Call(turn, request).answer.text(version.substr(0, version_limit));
    return Next::go_on;
}

Next execute_sasl_list(Turn& turn, const BinaryRequest& request) {
    const auto* judge = turn.executor.service().shared().sasl_judge;
    Call(turn, request).answer.text(judge != nullptr ? judge->mechanisms() : sasl_mechanisms);
    return Next::go_on;
}

// The packet reader, which knows the login gate, answers these itself.
constexpr ExecuteBinary execute_sasl = nullptr;

// --- kinds of shapes -----------------------------------------------------------------------------

constexpr BinaryShape plain(std::uint8_t opcode, ExecuteBinary execute,
                            std::uint8_t extras = 0) noexcept {
    return {.opcode = opcode, .execute = execute, .extras = extras};
}
constexpr BinaryShape reads(std::uint8_t opcode, ExecuteBinary execute) noexcept {
    return {.opcode = opcode, .execute = execute, .key = BinaryKey::required, .joins_run = true};
}
constexpr BinaryShape changes(std::uint8_t opcode, ExecuteBinary execute,
                              std::uint8_t extras) noexcept {
    return {.opcode = opcode,
            .execute = execute,
            .extras = extras,
            .effect = Effect::changes,
            .key = BinaryKey::required};
}
constexpr BinaryShape stores(std::uint8_t opcode, ExecuteBinary execute, std::uint8_t extras,
                             Effect effect = Effect::changes) noexcept {
    return {.opcode = opcode,
            .execute = execute,
            .extras = extras,
            .effect = effect,
            .key = BinaryKey::required,
            .has_value = true};
}
// Its time may be left out: then it is at once.
constexpr BinaryShape flushes(std::uint8_t opcode) noexcept {
    return {.opcode = opcode,
            .execute = execute_flush,
            .extras = 4,
            .effect = Effect::changes,
            .extras_optional = true};
}
constexpr BinaryShape logs_in(std::uint8_t opcode) noexcept {
    return {.opcode = opcode,
            .execute = execute_sasl,
            .key = BinaryKey::required,
            .access = BinaryAccess::login,
            .has_value = true};
}

constexpr bool down = true;

// Ordered as in memcached's protocol_binary.h. The numbers behind the functions: bytes of extras.
constexpr BinaryShape shapes[] = {
    reads(0x00, execute_get),
    stores(0x01, execute_write<WriteMode::set>, 8, Effect::sets),
    stores(0x02, execute_write<WriteMode::add>, 8),
    stores(0x03, execute_write<WriteMode::replace>, 8),
    changes(0x04, execute_remove, 0),
    changes(0x05, execute_arithmetic<!down>, 20),
    changes(0x06, execute_arithmetic<down>, 20),
    plain(0x07, execute_quit),
    flushes(0x08),
    reads(0x09, execute_get).quiet(),
    plain(0x0a, execute_no_op),
    {.opcode = 0x0b, .execute = execute_version, .access = BinaryAccess::always},
    reads(0x0c, execute_get).with_key(),
    reads(0x0d, execute_get).with_key().quiet(),
    stores(0x0e, execute_write<WriteMode::append>, 0),
    stores(0x0f, execute_write<WriteMode::prepend>, 0),
    {.opcode = 0x10, .execute = execute_stat, .key = BinaryKey::optional},
    stores(0x11, execute_write<WriteMode::set>, 8, Effect::sets).quiet(),
    stores(0x12, execute_write<WriteMode::add>, 8).quiet(),
    stores(0x13, execute_write<WriteMode::replace>, 8).quiet(),
    changes(0x14, execute_remove, 0).quiet(),
    changes(0x15, execute_arithmetic<!down>, 20).quiet(),
    changes(0x16, execute_arithmetic<down>, 20).quiet(),
    plain(0x17, execute_quit).quiet(),
    flushes(0x18).quiet(),
    stores(0x19, execute_write<WriteMode::append>, 0).quiet(),
    stores(0x1a, execute_write<WriteMode::prepend>, 0).quiet(),
    plain(0x1b, execute_verbosity, 4),
    changes(0x1c, execute_touch, 4),
    changes(0x1d, execute_get_and_touch, 4),
    changes(0x1e, execute_get_and_touch, 4).quiet(),
    {.opcode = 0x20, .execute = execute_sasl_list, .access = BinaryAccess::login},
    logs_in(sasl_start_opcode),
    logs_in(sasl_step_opcode),
    changes(0x23, execute_get_and_touch, 4).with_key(),
    changes(0x24, execute_get_and_touch, 4).with_key().quiet(),
};

constexpr std::size_t opcode_limit = 0x25;

// Looked up by one index: a packet of an opcode beyond, or of none, has no shape.
constexpr auto make_index() noexcept {
    std::array<const BinaryShape*, opcode_limit> index{};
    for (const auto& shape : shapes)
        index[shape.opcode] = &shape;
    return index;
}
constexpr auto shape_of = make_index();

}  // namespace

std::size_t execute_gets(Turn& turn, std::span<const std::string_view> keys,
                         std::span<const BinaryRequest> requests) {
    auto& executor = turn.executor;
    return executor.get_many(
        keys, turn.now, Executor::Claims::nothing,
        [&](std::size_t index, const ItemView* item, const storage::ReadMarks&) {
            Call call(turn, requests[index]);
            if (item != nullptr) {
                const auto cas = executor.settings().shown_cas(item->cas);
                call.answer.item(*item, cas, executor.store());
            }
            (void)finish_read(call, item != nullptr);
        });
}

const BinaryShape* find_shape(std::uint8_t opcode) noexcept {
    return opcode < shape_of.size() ? shape_of[opcode] : nullptr;
}

}  // namespace twincached::protocol
