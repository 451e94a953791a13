#include "protocol/binary/packet_reader.hpp"

#include "protocol/binary/binary_answer.hpp"
#include "protocol/binary/binary_keys_ahead.hpp"
#include "protocol/binary/binary_verbs.hpp"

namespace twincached::protocol {

namespace {

BinaryRequest parse(std::string_view bytes) noexcept {
    auto request = parse_binary(bytes);
    request.shape = find_shape(request.opcode);
    return request;
}

using Requests = ShortList<BinaryRequest, Executor::batch_limit>;

// Whole packets of gets.
void scan_gets(GetRun& run, Requests& requests) noexcept {
    while (!run.is_full() && run.rest().size() >= binary_header_size) {
        const auto packets = run.rest();
        if (static_cast<unsigned char>(packets.front()) != binary_request_magic) return;
        const auto request = parse(packets);
        if (request.shape == nullptr || !request.shape->joins_run) return;
        if (!request.is_consistent() || !request.is_well_formed()) return;
        if (packets.size() < request.head_bytes()) return;
        run.add(request.key, request.head_bytes());
        requests.add(request);
    }
}

AnnouncedValue announced(const BinaryRequest& request, std::string_view input) noexcept {
    AnnouncedValue value;
    value.head_bytes = request.head_bytes();
    value.announcement = input.substr(0, value.head_bytes);
    value.key = request.key;
    value.bytes = request.value_bytes();
    value.client_flags = request.extras.empty() ? 0 : request.number32(0);
    value.is_set = request.shape->effect == Effect::sets;
    return value;
}

// To log in: who has failed too often has had his answer and is closed.
Next end_attempt(Burst& burst, std::size_t consumed) noexcept {
    burst.finish(consumed);
    return burst.state.gate.is_exhausted() ? Next::close : Next::go_on;
}

}  // namespace

// In memcached's order, which decides what a packet with several faults is told. What is in the way
// of finding the next packet closes the connection: after it every byte could be a header.
Next PacketReader::next(Burst& burst) {
    const auto input = burst.input.readable();
    if (static_cast<unsigned char>(input.front()) != binary_request_magic) return Next::close;
    if (input.size() < binary_header_size) return Next::read_more;
    if (burst.state.gate.is_open() && answer_run(burst)) return Next::go_on;
    if (burst.may_look_ahead()) burst.look_ahead(binary_keys_ahead);
    auto request = parse(input);
    const bool is_login = request.has_access(BinaryAccess::login);
    // As memcached without -S: nobody is asked who he is, so the opcodes are not known.
    if (is_login && !burst.state.executor.settings().sasl_required) request.shape = nullptr;
    const bool is_command = request.shape != nullptr && request.is_consistent();
    if (!is_command && burst.state.executor.origin().is_datagram) return Next::close;
    const bool is_shut_out =
        !burst.state.gate.is_open() && !is_login && !request.has_access(BinaryAccess::always);
    if (is_shut_out && request.is_consistent()) {
        BinaryAnswer(burst.output, request).error(BinaryStatus::authentication);
        return Next::close;
    }
    const bool may_run =
        request.shape != nullptr && request.is_consistent() && request.is_well_formed();
    if (!may_run) return refuse(burst, request);
    return input.size() < request.head_bytes() ? Next::read_more : run(burst, request);
}

// True if the input began with one.
bool PacketReader::answer_run(Burst& burst) {
    Requests requests;
    return burst.answer_run([&](GetRun& run) { scan_gets(run, requests); },
                            [&](Turn& turn, const GetRun& run) {
                                return execute_gets(turn, run.keys(), requests.all());
                            });
}

// Lengths that contradict each other leave nobody who knows where the next packet begins; an opcode
// that is not known does not, so its body is skipped and the client goes on.
Next PacketReader::refuse(Burst& burst, const BinaryRequest& request) {
    BinaryAnswer answer(burst.output, request);
    if (!request.is_consistent()) {
        answer.error(BinaryStatus::unknown_command);
        return Next::close;
    }
    if (request.shape == nullptr) {
        answer.error(BinaryStatus::unknown_command);
        return swallow_body(burst, request);
    }
    answer.error(BinaryStatus::invalid);
    return Next::close;
}

Next PacketReader::run(Burst& burst, const BinaryRequest& request) {
    const auto& shape = *request.shape;
    if (shape.access == BinaryAccess::login && shape.has_value) return log_in(burst, request);
    auto& executor = burst.state.executor;
    const bool is_refused =
        executor.service().is_read_only() && !executor.elsewhere().has_question();
    if (is_refused && shape.effect != Effect::none) {
        BinaryAnswer(burst.output, request).error(BinaryStatus::unavailable);
        return swallow_body(burst, request);
    }
    if (shape.has_value) return take_value(burst, request);
    auto turn = burst.turn();
    return execute(burst, request, turn, request.head_bytes());
}

// A small value is executed where it lies in the input, a large one is received into its extent and
// executed by finish_large(), one that is refused is swallowed.
Next PacketReader::take_value(Burst& burst, const BinaryRequest& request) {
    auto& intake = burst.state.intake;
    const auto value = announced(request, burst.input.readable());
    auto refusal = BinaryStatus::too_large;
    switch (intake.take(burst.state.executor, burst.input, burst.now, value)) {
        case ValueIntake::Result::here: {
            auto turn = burst.turn();
            const auto bytes = intake.size_in_input();
            turn.value = burst.input.readable().substr(value.head_bytes,
                                                       static_cast<std::size_t>(value.bytes));
            return execute(burst, request, turn, bytes);
        }
        case ValueIntake::Result::awaited:
            return Next::read_more;
        case ValueIntake::Result::begun:
            return Next::go_on;
        case ValueIntake::Result::too_large:
            break;
        case ValueIntake::Result::no_memory:
            refusal = BinaryStatus::no_memory;
            break;
    }
    BinaryAnswer(burst.output, request).error(refusal);
    return swallow_body(burst, request);
}

// The answer is noted before it is known whether it may go out: one that the peer has to confirm
// first, and does not, is turned into an error with the same opcode and opaque.
Next PacketReader::execute(Burst& burst, const BinaryRequest& request, Turn& turn,
                           std::size_t consumed) {
    TicketList::LastAnswer answer;
    answer.begins_at = burst.output.size();
    answer.is_binary = true;
    answer.opcode = request.opcode;
    answer.opaque = request.opaque;
    return burst.settle(request.shape->execute(turn, request), answer, consumed);
}

Next PacketReader::finish_large(Burst& burst, LargeValue& value) {
    const auto request = parse(value.announcement);
    auto turn = burst.turn();
    turn.reserved = &value.reserved;
    return execute(burst, request, turn, 0);
}

// What is left of a packet whose header was looked at and refused.
Next PacketReader::swallow_body(Burst& burst, const BinaryRequest& request) {
    burst.state.intake.begin_swallowing(request.body_bytes, Answer::none);
    burst.finish(binary_header_size);
    return Next::go_on;
}

// A message is judged as a whole. One that is longer than any mechanism needs counts as a failure
// and closes the connection, before a byte of it has been kept.
Next PacketReader::log_in(Burst& burst, const BinaryRequest& request) {
    auto& state = burst.state;
    BinaryAnswer answer(burst.output, request);
    if (request.value_bytes() > Authentication::message_limit) {
        state.gate.refuse_message(state.executor);
        answer.error(BinaryStatus::authentication);
        return Next::close;
    }
    const auto head = request.head_bytes();
    const auto size = static_cast<std::size_t>(request.value_bytes());
    if (!state.intake.is_here(burst.input, head + size)) return Next::read_more;
    if (request.key.size() > Authentication::mechanism_limit) {
        state.gate.refuse_malformed(state.executor);
        answer.error(BinaryStatus::invalid);
        return end_attempt(burst, head + size);
    }
    const auto message = burst.input.readable().substr(head, size);
    const auto admission = request.opcode == sasl_start_opcode
                               ? state.gate.start_sasl(state.executor, request.key, message)
                               : state.gate.continue_sasl(state.executor, request.key, message);
    if (admission == Admission::pending) return Next::await_login;
    if (admission == Admission::granted) {
        answer.text("Authenticated");
    } else if (admission == Admission::go_on) {
        answer.challenge(state.gate.challenge());
    } else {
        answer.error(BinaryStatus::authentication);
    }
    return end_attempt(burst, head + size);
}

}  // namespace twincached::protocol
