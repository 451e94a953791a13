#include "protocol/conversation.hpp"

#include "protocol/binary/binary_answer.hpp"

#include <utility>

namespace twincached::protocol {

Conversation::Conversation(Service& service, ThreadCounters& counters, const ClientOrigin& origin)
    : state_{Executor(service, counters, origin)} {}

Next Conversation::advance(lib::ByteBuffer& input, Output& output, const storage::Now& now) {
    auto& executor = state_.executor;
    Burst burst{state_,
                input,
                output,
                now,
                AnswerWriter(output, executor.store()),
                executor.settings().requests_per_event};
    auto next = Next::go_on;
    while (next == Next::go_on)
        next = step(burst);
    note_phase(input, next);
    if (next == Next::yield) executor.counters().totals.add(Count::conn_yields);
    return next;
}

Next Conversation::step(Burst& burst) {
    if (is_watching()) return report(burst);
    auto& intake = state_.intake;
    // The cheapest question first: most bursts end here, with everything answered.
    if (burst.input.size() < intake.needed()) return Next::read_more;
    if (burst.output.size() >= state_.executor.settings().output_high_water_bytes) {
        return Next::write_first;
    }
    if (intake.is_swallowing()) return intake.swallow(burst.input, burst.answers);
    if (intake.has_large()) return receive_large_value(burst);
    // A value that is under way is finished first: it costs no command of its own.
    if (burst.is_spent()) return Next::yield;
    return next_request(burst);
}

// One request in a hundred is measured, at random distances: a clock for each would cost more than
// many of them take.
Next Conversation::next_request(Burst& burst) {
    return state_.executor.counters().times.is_due() ? measure_request(burst)
                                                     : serve_request(burst);
}

// What it was is told by what it has made count.
Next Conversation::measure_request(Burst& burst) {
    auto& times = state_.executor.counters().times;
    const auto& totals = state_.executor.counters().totals;
    const auto finished = state_.finished_requests;
    const auto gets = totals.get(Count::cmd_get);
    const auto sets = totals.get(Count::cmd_set);
    const auto meta = totals.get(Count::cmd_meta);
    const bool went_on = is_suspended();
    const auto begun = times.now();
    const auto next = serve_request(burst);
    if (went_on || finished == state_.finished_requests) {
        times.try_again();
        return next;
    }
    LatencySeries series{LatencyDialect::text, LatencyKind::other};
    if (dialect_ == Dialect::binary) series.dialect = LatencyDialect::binary;
    if (totals.get(Count::cmd_meta) != meta) series.dialect = LatencyDialect::meta;
    if (totals.get(Count::cmd_set) != sets) series.kind = LatencyKind::set;
    if (totals.get(Count::cmd_get) != gets) series.kind = LatencyKind::get;
    times.note(series, times.now() - begun);
    return next;
}

Next Conversation::serve_request(Burst& burst) {
    if (dialect_ == Dialect::unknown) begin_dialect(burst.input.readable());
    switch (dialect_) {
        case Dialect::text:
            return lines_.next(burst);
        case Dialect::binary:
            return packets_.next(burst);
        case Dialect::unknown:
        case Dialect::refused:
            return Next::close;
    }
    return Next::close;
}

Next Conversation::receive_large_value(Burst& burst) {
    auto value = state_.intake.receive(burst.input);
    if (value == nullptr) return Next::read_more;
    const auto next = dialect_ == Dialect::binary ? packets_.finish_large(burst, *value)
                                                  : lines_.finish_large(burst, *value);
    if (next == Next::await_decision) state_.intake.put_back(std::move(value));
    return next;
}

// Whoever watches has nothing more to say: what it sends is read and forgotten, so that it notices
// when it is gone.
Next Conversation::report(Burst& burst) {
    burst.input.consume(burst.input.size());
    state_.watcher->take(burst.output.bytes());
    return Next::read_more;
}

// Once, by the first byte. A connection does not change its language.
void Conversation::begin_dialect(std::string_view input) noexcept {
    dialect_ = dialect_of(input);
    const auto& settings = state_.executor.settings();
    const bool is_guarded =
        dialect_ == Dialect::binary ? settings.sasl_required : settings.login_required;
    if (!is_guarded) state_.gate.open();
}

Conversation::Dialect Conversation::dialect_of(std::string_view input) const noexcept {
    const auto& settings = state_.executor.settings();
    const bool is_binary = static_cast<unsigned char>(input.front()) == binary_request_magic;
    if (is_binary && settings.speaks_binary()) return Dialect::binary;
    if (is_binary && settings.login_required) return Dialect::refused;
    // With -B ascii even this byte begins a line, though a strange one.
    return settings.speaks_ascii() ? Dialect::text : Dialect::refused;
}

// What `stats conns` shows, and what a stop asks before it closes: only between requests.
void Conversation::note_phase(const lib::ByteBuffer& input, Next next) noexcept {
    if (next == Next::close) {
        phase_ = ConversationPhase::closing;
    } else if (is_watching()) {
        phase_ = ConversationPhase::watching;
    } else if (state_.intake.is_swallowing()) {
        phase_ = ConversationPhase::swallowing;
    } else if (state_.intake.is_in_value()) {
        phase_ = ConversationPhase::in_value;
    } else {
        phase_ = input.empty() ? ConversationPhase::idle : ConversationPhase::in_line;
    }
}

// --- answers that wait for the peer ------------------------------------------------------------

std::span<const storage::Ticket> Conversation::unconfirmed() const noexcept {
    const auto* tickets = state_.executor.tickets();
    return tickets != nullptr ? tickets->kept() : std::span<const storage::Ticket>();
}

void Conversation::confirm() noexcept {
    state_.executor.tickets()->clear();
}

// The peer did not confirm what the last answer says. If it is still here it becomes an error; if a
// part has left, nothing can be taken back, and the connection has to end.
bool Conversation::refuse(Output& output) {
    auto& tickets = *state_.executor.tickets();
    tickets.clear();
    const auto& last = tickets.last_answer;
    if (!last.can_be_taken_back) return false;
    output.truncate(last.begins_at);
    if (last.is_binary) {
        BinaryRequest request;
        request.opcode = last.opcode;
        request.opaque = last.opaque;
        BinaryAnswer(output, request).error(BinaryStatus::unavailable);
    } else {
        AnswerWriter(output, state_.executor.store()).write(Answer::replication_unavailable);
    }
    return true;
}

}  // namespace twincached::protocol
