// How a conversation takes the binary protocol's packets out of its input. Whatever contradicts
// itself is answered and then closed, because nobody can know where the next packet begins.
#include "protocol/binary/binary_verbs.hpp"
#include "protocol/burst.hpp"
#include "protocol/changes.hpp"

#include <utility>

namespace twincached::protocol {

namespace {

bool is_set(const BinaryRequest& request) noexcept {
    return request.shape->verb == BinaryVerb::set;
}

}  // namespace

Conversation::Step Conversation::next_packet(Burst& burst) noexcept {
    const auto input = burst.input.readable();
    if (static_cast<unsigned char>(input.front()) != binary_request_magic) return Step::close;
    if (input.size() < binary_header_size) return Step::need_input;
    auto request = parse_binary(input);
    const bool is_sasl = request.is_sasl();
    if (is_sasl && !executor_.settings().sasl_required) request.shape = nullptr;
    const bool is_shut_out = !authentication_.is_open() && !is_sasl && !request.is_version();
    if (is_shut_out && request.is_consistent()) {
        BinaryAnswer(burst.output, request).error(BinaryStatus::authentication);
        return Step::close;
    }
    const bool may_run =
        request.shape != nullptr && request.is_consistent() && request.is_well_formed();
    if (!may_run) return refuse_packet(burst, request);
    if (input.size() < request.head_bytes()) return Step::need_input;
    return take_packet(burst, request);
}

Conversation::Step Conversation::refuse_packet(Burst& burst,
                                               const BinaryRequest& request) noexcept {
    BinaryAnswer answer(burst.output, request);
    if (!request.is_consistent()) {
        answer.error(BinaryStatus::unknown_command);
        return Step::close;
    }
    if (request.shape == nullptr) {
        answer.error(BinaryStatus::unknown_command);
        return swallow_body(burst, request);
    }
    answer.error(BinaryStatus::invalid);
    return Step::close;
}

Conversation::Step Conversation::take_packet(Burst& burst, const BinaryRequest& request) noexcept {
    Turn turn{executor_, burst.answers, burst.now, progress_};
    const auto head = request.head_bytes();
    if (request.is_sasl() && request.shape->has_value) return take_sasl(burst, request);
    if (executor_.is_read_only() && is_change(request)) {
        BinaryAnswer(burst.output, request).error(BinaryStatus::unavailable);
        return swallow_body(burst, request);
    }
    if (!request.shape->has_value) return execute_packet(burst, request, turn, head);

    auto& store = executor_.store();
    const auto value_bytes = request.value_bytes();
    const auto client_flags = request.extras.empty() ? 0 : request.number32(0);
    if (store.exceeds_limit(request.key.size(), value_bytes, client_flags)) {
        executor_.refuse_write({request.key, is_set(request), true}, burst.now);
        BinaryAnswer(burst.output, request).error(BinaryStatus::too_large);
        return swallow_body(burst, request);
    }
    if (store.is_large(value_bytes)) return begin_large_packet(burst, request);

    wanted_ = head + static_cast<std::size_t>(value_bytes);
    const auto input = burst.input.readable();
    if (input.size() < wanted_) return Step::need_input;
    turn.value = input.substr(head, static_cast<std::size_t>(value_bytes));
    return execute_packet(burst, request, turn, wanted_);
}

Conversation::Step Conversation::execute_packet(Burst& burst, const BinaryRequest& request,
                                                Turn& turn, std::size_t consumed) noexcept {
    const auto answer_at = burst.output.size();
    const auto outcome = execute_binary(turn, request);
    const bool waits = must_be_confirmed(burst, answer_at, &request);
    finish_request(burst, consumed);
    if (outcome == Outcome::close) return Step::close;
    return waits ? Step::await_peer : Step::go_on;
}

Conversation::Step Conversation::begin_large_packet(Burst& burst,
                                                    const BinaryRequest& request) noexcept {
    auto reserved = executor_.store().reserve(request.value_bytes(), burst.now);
    if (!reserved) {
        executor_.refuse_write({request.key, is_set(request), false}, burst.now);
        BinaryAnswer(burst.output, request).error(BinaryStatus::no_memory);
        return swallow_body(burst, request);
    }
    const auto head = request.head_bytes();
    large_ = std::make_unique<LargeValue>();
    large_->announcement = burst.input.readable().substr(0, head);
    large_->reserved = std::move(reserved);
    burst.input.consume(head);
    return Step::go_on;
}

Conversation::Step Conversation::finish_large_packet(Burst& burst, LargeValue& value) noexcept {
    const auto request = parse_binary(value.announcement);
    Turn turn{executor_, burst.answers, burst.now, progress_};
    turn.reserved = &value.reserved;
    return execute_packet(burst, request, turn, 0);
}

Conversation::Step Conversation::swallow_body(Burst& burst, const BinaryRequest& request) noexcept {
    to_swallow_ = request.body_bytes;
    after_swallow_ = Answer::none;
    finish_request(burst, binary_header_size);
    return Step::go_on;
}

}  // namespace twincached::protocol
