#include "protocol/conversation.hpp"

#include "protocol/binary/binary_answer.hpp"
#include "protocol/binary/binary_request.hpp"
#include "protocol/burst.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace twincached::protocol {

Conversation::Conversation(Service& service, ThreadCounters& counters,
                           const Origin& origin) noexcept
    : executor_(service, counters, origin) {}

Conversation::~Conversation() = default;

Next Conversation::advance(lib::ByteBuffer& input, Output& output,
                           const storage::Now& now) noexcept {
    Burst burst{input, output, now, AnswerWriter(output, executor_.store()),
                executor_.settings().requests_per_event};
    auto step = Step::go_on;
    while (step == Step::go_on)
        step = this->step(burst);
    note_phase(input, step);
    switch (step) {
        case Step::go_on:
        case Step::need_input:
            return Next::read_more;
        case Step::write_first:
            return Next::write_first;
        case Step::yield:
            executor_.counters().totals.add(Count::conn_yields);
            return Next::yield;
        case Step::close:
            return Next::close;
        case Step::await_peer:
            return Next::await_peer;
    }
    return Next::close;
}

// --- answers that wait for the peer ------------------------------------------------------------

std::span<const storage::Ticket> Conversation::unconfirmed() const noexcept {
    const auto* tickets = executor_.tickets();
    return tickets != nullptr ? tickets->kept() : std::span<const storage::Ticket>();
}

void Conversation::confirm() noexcept {
    executor_.tickets()->clear();
}

bool Conversation::refuse(Output& output) {
    auto& tickets = *executor_.tickets();
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
        AnswerWriter(output, executor_.store()).write(Answer::replication_unavailable);
    }
    return true;
}

// To be asked after each command: what the answer that begins at `answer_at` speaks of.
bool Conversation::must_be_confirmed(Burst& burst, std::size_t answer_at,
                                     const BinaryRequest* request) {
    auto* tickets = executor_.tickets();
    if (tickets == nullptr || !tickets->has_fresh()) return false;
    if (burst.output.size() == answer_at) {
        tickets->drop_fresh();
        return false;
    }
    tickets->keep_fresh();
    if (executor_.settings().confirmation != Confirmation::of_each_change) return false;
    auto& last = tickets->last_answer;
    // Of an answer that came in parts, the first may be on its way.
    last = {!progress_.started, answer_at, request != nullptr};
    if (request == nullptr) return true;
    last.opcode = request->opcode;
    last.opaque = request->opaque;
    return true;
}

void Conversation::note_phase(const lib::ByteBuffer& input, Step step) noexcept {
    if (step == Step::close) {
        phase_ = Phase::closing;
    } else if (is_watching()) {
        phase_ = Phase::watching;
    } else if (to_swallow_ > 0) {
        phase_ = Phase::swallowing;
    } else if (large_ != nullptr || wanted_ > 0) {
        phase_ = Phase::in_value;
    } else {
        phase_ = input.empty() ? Phase::idle : Phase::in_line;
    }
}

Conversation::Step Conversation::step(Burst& burst) noexcept {
    if (is_watching()) return report(burst);
    // A large value may be whole without a byte in the input: a packet ends with its value.
    const bool value_is_whole = large_ != nullptr && large_->rest().empty();
    const auto needed = value_is_whole ? large_->trailer : std::max<std::size_t>(wanted_, 1);
    if (burst.input.size() < needed) return Step::need_input;
    if (burst.output.size() >= executor_.settings().output_high_water_bytes) {
        return Step::write_first;
    }
    if (to_swallow_ > 0) return swallow(burst);
    if (large_ != nullptr) return receive_large_value(burst);
    if (burst.budget == 0) return Step::yield;
    return next_request(burst);
}

Conversation::Step Conversation::report(Burst& burst) noexcept {
    burst.input.consume(burst.input.size());
    watcher_->take(burst.output.bytes());
    return Step::need_input;
}

void Conversation::finish_request(Burst& burst, std::size_t consumed) noexcept {
    burst.answers.set_quiet(false);
    burst.input.consume(consumed);
    burst.spend(1);
    ++finished_requests_;
    progress_ = {};
    scanned_ = 0;
    wanted_ = 0;
}

std::span<char> Conversation::value_target() noexcept {
    return large_ != nullptr ? large_->rest() : std::span<char>();
}

void Conversation::value_received(std::size_t count) noexcept {
    assert(large_ != nullptr && count <= large_->rest().size());
    large_->received += count;
}

Conversation::Step Conversation::next_request(Burst& burst) noexcept {
    if (dialect_ == Dialect::unknown) begin_dialect(burst.input.readable());
    switch (dialect_) {
        case Dialect::text:
            return next_line(burst);
        case Dialect::binary:
            return next_packet(burst);
        case Dialect::unknown:
        case Dialect::refused:
            return Step::close;
    }
    return Step::close;
}

void Conversation::begin_dialect(std::string_view input) noexcept {
    dialect_ = dialect_of(input);
    const auto& settings = executor_.settings();
    const bool is_guarded =
        dialect_ == Dialect::binary ? settings.sasl_required : settings.login_required;
    if (!is_guarded) authentication_.open();
}

Conversation::Dialect Conversation::dialect_of(std::string_view input) const noexcept {
    const auto& settings = executor_.settings();
    const bool is_binary = static_cast<unsigned char>(input.front()) == binary_request_magic;
    if (is_binary && settings.binary) return Dialect::binary;
    if (is_binary && settings.login_required) return Dialect::refused;
    // With -B ascii even this byte begins a line, though a strange one.
    return settings.ascii ? Dialect::text : Dialect::refused;
}

Conversation::Step Conversation::receive_large_value(Burst& burst) noexcept {
    const auto room = large_->rest();
    const auto here = burst.input.readable().substr(0, room.size());
    std::copy(here.begin(), here.end(), room.begin());
    large_->received += here.size();
    burst.input.consume(here.size());
    if (here.size() < room.size() || burst.input.size() < large_->trailer) return Step::need_input;
    const auto value = std::exchange(large_, nullptr);
    return dialect_ == Dialect::binary ? finish_large_packet(burst, *value)
                                       : finish_large_line(burst, *value);
}

Conversation::Step Conversation::swallow(Burst& burst) noexcept {
    const auto here =
        static_cast<std::size_t>(std::min<std::uint64_t>(to_swallow_, burst.input.size()));
    burst.input.consume(here);
    to_swallow_ -= here;
    if (to_swallow_ > 0) return Step::need_input;
    burst.answers.write(after_swallow_);
    return Step::go_on;
}

}  // namespace twincached::protocol
