#include "protocol/conversation.hpp"

#include "protocol/classic_verbs.hpp"
#include "protocol/verbs.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace twincached::protocol {

namespace {

constexpr std::string_view line_end = "\r\n";

bool is_retrieval(std::string_view text) noexcept {
    const auto begin = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(begin);
    for (const std::string_view verb : {"get ", "gets ", "gat ", "gats "}) {
        if (text.starts_with(verb)) return true;
    }
    return false;
}

}  // namespace

// A value that is read straight into the store's memory. The line that announced it is kept and
// parsed again when the value is there: nothing else needs to be remembered.
struct Conversation::LargeValue {
    std::string line;
    storage::ValueReservation reserved;
    std::size_t received = 0;

    std::span<char> rest() const noexcept { return reserved.bytes().subspan(received); }
};

// What one call of `advance` works with.
struct Conversation::Burst {
    lib::ByteBuffer& input;
    Output& output;
    const storage::Now& now;
    AnswerWriter answers;
    std::size_t budget;  // commands that may still be executed

    void spend(std::size_t commands) noexcept { budget -= std::min(budget, commands); }
};

// A complete request line at the front of the input.
struct Conversation::Line {
    std::string_view text;  // without its end
    std::size_t size_with_end;
};

Conversation::Conversation(Service& service, ThreadCounters& counters) noexcept
    : executor_(service, counters) {}

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
    }
    return Next::close;
}

void Conversation::note_phase(const lib::ByteBuffer& input, Step step) noexcept {
    if (step == Step::close) {
        phase_ = Phase::closing;
    } else if (to_swallow_ > 0) {
        phase_ = Phase::swallowing;
    } else if (large_ != nullptr || wanted_ > 0) {
        phase_ = Phase::in_value;
    } else {
        phase_ = input.empty() ? Phase::idle : Phase::in_line;
    }
}

Conversation::Step Conversation::step(Burst& burst) noexcept {
    if (burst.input.empty() || burst.input.size() < wanted_) return Step::need_input;
    if (burst.output.size() >= executor_.settings().output_high_water_bytes) {
        return Step::write_first;
    }
    if (to_swallow_ > 0) return swallow(burst);
    if (large_ != nullptr) return receive_large_value(burst);
    if (burst.budget == 0) return Step::yield;
    return next_request(burst);
}

Conversation::Step Conversation::next_request(Burst& burst) noexcept {
    if (!progress_.started && scanned_ == 0) {
        const auto step = answer_get_run(burst);
        if (step == Step::go_on) return step;
    }
    const auto text = burst.input.readable();
    const void* const found = std::memchr(text.data() + scanned_, '\n', text.size() - scanned_);
    if (found == nullptr) return await_line(text);
    const auto newline = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    if (newline > line_limit && !is_retrieval(text)) return Step::close;
    scanned_ = newline;
    const auto end = newline > 0 && text[newline - 1] == '\r' ? newline - 1 : newline;
    return run_line(burst, {text.substr(0, end), newline + 1});
}

Conversation::Step Conversation::answer_get_run(Burst& burst) noexcept {
    std::array<std::string_view, Executor::batch_limit> keys;
    const auto room = std::span(keys).first(std::min(keys.size(), burst.budget));
    const auto run = scan_get_run(burst.input.readable(), room);
    if (run.count == 0) return Step::need_input;
    Turn turn{executor_, burst.answers, burst.now, progress_};
    execute_get_run(turn, room.first(run.count));
    first_line_ = false;
    burst.spend(run.count);
    burst.input.consume(run.bytes);
    return Step::go_on;
}

Conversation::Step Conversation::await_line(std::string_view text) noexcept {
    scanned_ = text.size();
    const bool too_long =
        text.size() > line_limit && (!is_retrieval(text) || text.size() > retrieval_line_limit);
    return too_long ? Step::close : Step::need_input;
}

Conversation::Step Conversation::run_line(Burst& burst, const Line& line) noexcept {
    Command command;
    const VerbEntry* entry = nullptr;
    auto refused = parse_line(line.text, entry, command);
    if (refused == Answer::hang_up && !first_line_ && !names_http(line.text)) {
        refused = Answer::error;
    }
    first_line_ = false;
    if (refused == Answer::hang_up) return Step::close;
    if (refused != Answer::none && command.has_value) {
        return begin_swallow(burst, line, command, refused);
    }
    if (command.has_value) return take_value(burst, line, *entry, command);
    burst.answers.set_quiet(command.noreply);
    if (refused != Answer::none) {
        burst.answers.write(refused);
        finish_request(burst, line.size_with_end);
        return Step::go_on;
    }
    Turn turn{executor_, burst.answers, burst.now, progress_};
    turn.pipelined = !burst.output.empty();
    return execute(burst, turn, *entry, command, line.size_with_end);
}

Conversation::Step Conversation::execute(Burst& burst, Turn& turn, const VerbEntry& entry,
                                         const Command& command, std::size_t consumed) noexcept {
    burst.answers.set_quiet(command.noreply);
    const auto outcome = entry.execute(turn, command);
    if (outcome == Outcome::suspended) {
        progress_.started = true;
        return turn.output_is_full() ? Step::write_first : Step::yield;
    }
    finish_request(burst, consumed);
    return outcome == Outcome::close ? Step::close : Step::go_on;
}

void Conversation::finish_request(Burst& burst, std::size_t consumed) noexcept {
    burst.answers.set_quiet(false);
    burst.input.consume(consumed);
    burst.spend(1);
    progress_ = {};
    scanned_ = 0;
    wanted_ = 0;
}

Conversation::Step Conversation::take_value(Burst& burst, const Line& line, const VerbEntry& entry,
                                            const Command& command) noexcept {
    auto& store = executor_.store();
    if (store.exceeds_limit(command.key.size(), command.value_bytes, command.client_flags)) {
        executor_.refuse_write(command.key, burst.now, true);
        return begin_swallow(burst, line, command, Answer::too_large);
    }
    if (store.is_large(command.value_bytes)) return begin_large_value(burst, line, command);

    const auto size = static_cast<std::size_t>(command.value_bytes);
    wanted_ = line.size_with_end + size + line_end.size();
    const auto text = burst.input.readable();
    if (text.size() < wanted_) return Step::need_input;
    const auto consumed = wanted_;
    if (text.substr(line.size_with_end + size, line_end.size()) != line_end) {
        burst.answers.set_quiet(command.noreply);
        burst.answers.write(Answer::bad_chunk);
        finish_request(burst, consumed);
        return Step::go_on;
    }
    Turn turn{executor_, burst.answers, burst.now, progress_};
    turn.value = text.substr(line.size_with_end, size);
    return execute(burst, turn, entry, command, consumed);
}

Conversation::Step Conversation::begin_large_value(Burst& burst, const Line& line,
                                                   const Command& command) noexcept {
    auto reserved = executor_.store().reserve(command.value_bytes, burst.now);
    if (!reserved) {
        executor_.refuse_write(command.key, burst.now, false);
        return begin_swallow(burst, line, command, Answer::no_memory);
    }
    large_ = std::make_unique<LargeValue>();
    large_->line = line.text;
    large_->reserved = std::move(reserved);
    burst.input.consume(line.size_with_end);
    scanned_ = 0;
    return Step::go_on;
}

Conversation::Step Conversation::receive_large_value(Burst& burst) noexcept {
    const auto room = large_->rest();
    const auto here = burst.input.readable().substr(0, room.size());
    std::copy(here.begin(), here.end(), room.begin());
    large_->received += here.size();
    burst.input.consume(here.size());
    if (here.size() < room.size() || burst.input.size() < line_end.size()) return Step::need_input;

    const auto value = std::exchange(large_, nullptr);
    Command command;
    const VerbEntry* entry = nullptr;
    [[maybe_unused]] const auto refused = parse_line(value->line, entry, command);
    assert(refused == Answer::none);
    if (burst.input.readable().substr(0, line_end.size()) != line_end) {
        burst.answers.set_quiet(command.noreply);
        burst.answers.write(Answer::bad_chunk);
        finish_request(burst, line_end.size());
        return Step::go_on;
    }
    Turn turn{executor_, burst.answers, burst.now, progress_};
    turn.reserved = &value->reserved;
    return execute(burst, turn, *entry, command, line_end.size());
}

std::span<char> Conversation::value_target() noexcept {
    return large_ != nullptr ? large_->rest() : std::span<char>();
}

void Conversation::value_received(std::size_t count) noexcept {
    assert(large_ != nullptr && count <= large_->rest().size());
    large_->received += count;
}

Conversation::Step Conversation::begin_swallow(Burst& burst, const Line& line,
                                               const Command& command, Answer answer) noexcept {
    to_swallow_ = command.value_bytes + line_end.size();
    after_swallow_ = command.noreply ? Answer::none : answer;
    finish_request(burst, line.size_with_end);
    return Step::go_on;
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
