#include "protocol/binary/binary_verbs.hpp"

#include "protocol/execution/authentication.hpp"
#include "protocol/reports/stats_report.hpp"

#include <cassert>
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

    bool is_quiet() const noexcept { return request.shape->quiet; }
    Expiry expiry_at(std::size_t offset) const noexcept {
        return Expiry::from_exptime(request.number32(offset), turn.now);
    }
    std::optional<std::uint64_t> compared_cas() const noexcept {
        return request.cas != 0 ? std::optional(request.cas) : std::nullopt;
    }
    Outcome done(std::uint64_t cas = 0) {
        if (!is_quiet()) answer.done(cas);
        return Outcome::done;
    }
    Outcome fail(BinaryStatus status) {
        answer.error(status);
        return Outcome::done;
    }
};

Outcome execute_read(Call& call) noexcept {
    auto& executor = call.turn.executor;
    const auto key = call.request.key;
    const auto write = [&](const ItemView& item) {
        call.answer.item(item, executor.shown_cas(item.cas), executor.store());
    };
    bool hit = false;
    switch (call.request.shape->verb) {
        case BinaryVerb::get_and_touch:
            hit = executor.get_and_touch(key, call.turn.now, call.expiry_at(0), write);
            break;
        case BinaryVerb::touch:
            hit = executor.touch(key, call.turn.now, call.expiry_at(0), write);
            break;
        default:
            executor.get_many({&key, 1}, call.turn.now, [&](std::size_t, const ItemView* item) {
                hit = item != nullptr;
                if (hit) write(*item);
            });
    }
    if (hit || call.is_quiet()) return Outcome::done;
    if (!call.request.shape->returns_key) return call.fail(BinaryStatus::not_found);
    call.answer.missed_key();
    return Outcome::done;
}

constexpr WriteMode mode_of(BinaryVerb verb) noexcept {
    switch (verb) {
        case BinaryVerb::add:
            return WriteMode::add;
        case BinaryVerb::replace:
            return WriteMode::replace;
        case BinaryVerb::append:
            return WriteMode::append;
        case BinaryVerb::prepend:
            return WriteMode::prepend;
        default:
            return WriteMode::set;
    }
}

// Why nothing was stored is told by another word for each verb.
constexpr BinaryStatus status_of_not_stored(BinaryVerb verb) noexcept {
    switch (verb) {
        case BinaryVerb::add:
            return BinaryStatus::exists;
        case BinaryVerb::replace:
            return BinaryStatus::not_found;
        default:
            return BinaryStatus::not_stored;
    }
}

Outcome execute_write(Call& call) noexcept {
    const auto verb = call.request.shape->verb;
    storage::Write write;
    write.mode = mode_of(verb);
    write.value = call.turn.value;
    write.compare_cas = call.compared_cas();
    // With a CAS unique, set, add and replace are one and the same.
    const bool replaces_whole = verb != BinaryVerb::append && verb != BinaryVerb::prepend;
    if (write.compare_cas && replaces_whole) write.mode = WriteMode::set;
    constexpr std::size_t flags_and_exptime = 8;
    if (call.request.extras.size() == flags_and_exptime) {
        write.client_flags = call.request.number32(0);
        write.expiry = call.expiry_at(4);
    }
    const auto result =
        call.turn.executor.write(call.request.key, call.turn.now, write, call.turn.reserved);
    switch (result.outcome) {
        case WriteOutcome::stored:
            return call.done(call.turn.executor.shown_cas(result.cas));
        case WriteOutcome::not_stored:
            return call.fail(status_of_not_stored(verb));
        case WriteOutcome::exists:
            return call.fail(BinaryStatus::exists);
        case WriteOutcome::not_found:
            return call.fail(BinaryStatus::not_found);
        case WriteOutcome::too_large:
            return call.fail(BinaryStatus::too_large);
        case WriteOutcome::no_memory:
            return call.fail(BinaryStatus::no_memory);
    }
    return Outcome::done;
}

Outcome execute_remove(Call& call) noexcept {
    storage::Remove remove;
    remove.compare_cas = call.compared_cas();
    const auto result = call.turn.executor.remove(call.request.key, call.turn.now, remove);
    switch (result.outcome) {
        case storage::RemoveOutcome::removed:
            return call.done();
        case storage::RemoveOutcome::exists:
            return call.fail(BinaryStatus::exists);
        case storage::RemoveOutcome::not_found:
            return call.fail(BinaryStatus::not_found);
    }
    return Outcome::done;
}

Outcome execute_arithmetic(Call& call) noexcept {
    constexpr std::size_t initial_offset = 8;
    constexpr std::size_t exptime_offset = 16;
    constexpr auto never_create = std::numeric_limits<std::uint32_t>::max();
    storage::Arithmetic arithmetic;
    arithmetic.decrement = call.request.shape->verb == BinaryVerb::decrement;
    arithmetic.delta = call.request.number64(0);
    arithmetic.initial = call.request.number64(initial_offset);
    arithmetic.compare_cas = call.compared_cas();
    if (call.request.number32(exptime_offset) != never_create) {
        arithmetic.vivify = call.expiry_at(exptime_offset);
    }
    auto& executor = call.turn.executor;
    const auto result = executor.arithmetic(call.request.key, call.turn.now, arithmetic);
    switch (result.outcome) {
        case ArithmeticOutcome::done:
            if (!call.is_quiet()) {
                call.answer.number(result.number, executor.shown_cas(result.cas));
            }
            return Outcome::done;
        case ArithmeticOutcome::not_found:
            return call.fail(BinaryStatus::not_found);
        case ArithmeticOutcome::exists:
            return call.fail(BinaryStatus::exists);
        case ArithmeticOutcome::non_numeric:
            return call.fail(BinaryStatus::non_numeric);
        case ArithmeticOutcome::no_memory:
            return call.fail(BinaryStatus::no_memory);
    }
    return Outcome::done;
}

Outcome execute_flush_request(Call& call) noexcept {
    auto& executor = call.turn.executor;
    if (!executor.settings().flush_enabled) return call.fail(BinaryStatus::authentication);
    executor.flush(call.request.extras.empty() ? 0 : call.request.number32(0), call.turn.now);
    return call.done();
}

Outcome execute_stat(Call& call) noexcept {
    const auto what = call.request.key;
    const auto write = [&](std::string_view key, std::string_view value) {
        call.answer.stat(key, value);
    };
    if (what == "detail on" || what == "detail off") {
        call.turn.executor.service().shared().observation.prefixes.set_enabled(what == "detail on");
    } else if (what == "reset") {
        call.turn.executor.reset_stats();
    } else if (!report_stats(call.turn.executor.service(), what, call.turn.now, write)) {
        return call.fail(BinaryStatus::not_found);
    }
    call.answer.done();  // an empty pair ends the list
    return Outcome::done;
}

Outcome execute_quit_request(Call& call) noexcept {
    call.done();
    return Outcome::close;
}

}  // namespace

Outcome execute_binary(Turn& turn, const BinaryRequest& request) noexcept {
    Call call{turn, request, BinaryAnswer(turn.answers.output(), request)};
    switch (request.shape->verb) {
        case BinaryVerb::get:
        case BinaryVerb::touch:
        case BinaryVerb::get_and_touch:
            return execute_read(call);
        case BinaryVerb::set:
        case BinaryVerb::add:
        case BinaryVerb::replace:
        case BinaryVerb::append:
        case BinaryVerb::prepend:
            return execute_write(call);
        case BinaryVerb::remove:
            return execute_remove(call);
        case BinaryVerb::increment:
        case BinaryVerb::decrement:
            return execute_arithmetic(call);
        case BinaryVerb::flush:
            return execute_flush_request(call);
        case BinaryVerb::stat:
            return execute_stat(call);
        case BinaryVerb::quit:
            return execute_quit_request(call);
        case BinaryVerb::no_op:
            return call.done();
        case BinaryVerb::verbosity:
            turn.executor.service().set_verbosity(request.number32(0));
            return call.done();
        case BinaryVerb::version:
            call.answer.text(turn.executor.service().version().substr(0, version_limit));
            return Outcome::done;
        case BinaryVerb::sasl_list:
            call.answer.text(sasl_mechanisms);
            return Outcome::done;
        case BinaryVerb::sasl_start:
        case BinaryVerb::sasl_step:
            assert(false);  // the conversation answers them itself
            return Outcome::close;
    }
    return Outcome::done;
}

}  // namespace twincached::protocol
