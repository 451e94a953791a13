// How a conversation takes the text protocol's lines and values out of its input.
#include "protocol/burst.hpp"
#include "protocol/changes.hpp"
#include "protocol/text/classic_verbs.hpp"
#include "protocol/verbs.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
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

// memcached does not look at an ms command's mode here.
bool is_set(Verb verb) noexcept {
    return verb == Verb::set || verb == Verb::meta_set;
}

}  // namespace

Conversation::Step Conversation::next_line(Burst& burst) noexcept {
    if (!progress_.started && scanned_ == 0 && authentication_.is_open()) {
        const auto step = answer_get_run(burst);
        if (step == Step::go_on) return step;
    }
    const auto text = burst.input.readable();
    const void* const found = std::memchr(text.data() + scanned_, '\n', text.size() - scanned_);
    if (found == nullptr) return await_line(text);
    const auto newline = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    if (newline > line_limit && !may_be_long(text)) return Step::close;
    scanned_ = newline;
    const auto end = newline > 0 && text[newline - 1] == '\r' ? newline - 1 : newline;
    const Line line{text.substr(0, end), newline + 1};
    return authentication_.is_open() ? run_line(burst, line) : run_login_line(burst, line);
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
    ++finished_requests_;
    burst.input.consume(run.bytes);
    return Step::go_on;
}

bool Conversation::may_be_long(std::string_view text) const noexcept {
    return authentication_.is_open() && is_retrieval(text);
}

Conversation::Step Conversation::await_line(std::string_view text) noexcept {
    scanned_ = text.size();
    const bool too_long =
        text.size() > line_limit && (!may_be_long(text) || text.size() > retrieval_line_limit);
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
    if (refused == Answer::none && executor_.is_read_only() && is_change(command)) {
        refused = Answer::read_only;
    }
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
    if (executor_.can_watch()) turn.watcher = &watcher_;
    return execute(burst, turn, *entry, command, line.size_with_end);
}

Conversation::Step Conversation::execute(Burst& burst, Turn& turn, const VerbEntry& entry,
                                         const Command& command, std::size_t consumed) noexcept {
    burst.answers.set_quiet(command.noreply);
    const auto answer_at = burst.output.size();
    const auto outcome = entry.execute(turn, command);
    const bool waits = must_be_confirmed(burst, answer_at, nullptr);
    if (outcome == Outcome::suspended) {
        progress_.started = true;
        if (waits) executor_.tickets()->last_answer = {};
        return turn.output_is_full() ? Step::write_first : Step::yield;
    }
    finish_request(burst, consumed);
    if (outcome == Outcome::close) return Step::close;
    return waits ? Step::await_peer : Step::go_on;
}

Conversation::Step Conversation::take_value(Burst& burst, const Line& line, const VerbEntry& entry,
                                            const Command& command) noexcept {
    auto& store = executor_.store();
    if (store.exceeds_limit(command.key.size(), command.value_bytes, command.client_flags)) {
        executor_.refuse_write({command.key, is_set(command.verb), true}, burst.now);
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
        executor_.refuse_write({command.key, is_set(command.verb), false}, burst.now);
        return begin_swallow(burst, line, command, Answer::no_memory);
    }
    large_ = std::make_unique<LargeValue>();
    large_->announcement = line.text;
    large_->reserved = std::move(reserved);
    large_->trailer = line_end.size();
    burst.input.consume(line.size_with_end);
    scanned_ = 0;
    return Step::go_on;
}

Conversation::Step Conversation::begin_swallow(Burst& burst, const Line& line,
                                               const Command& command, Answer answer) noexcept {
    to_swallow_ = command.value_bytes + line_end.size();
    after_swallow_ = command.noreply ? Answer::none : answer;
    finish_request(burst, line.size_with_end);
    return Step::go_on;
}

Conversation::Step Conversation::finish_large_line(Burst& burst, LargeValue& value) noexcept {
    Command command;
    const VerbEntry* entry = nullptr;
    [[maybe_unused]] const auto refused = parse_line(value.announcement, entry, command);
    assert(refused == Answer::none);
    if (burst.input.readable().substr(0, line_end.size()) != line_end) {
        burst.answers.set_quiet(command.noreply);
        burst.answers.write(Answer::bad_chunk);
        finish_request(burst, line_end.size());
        return Step::go_on;
    }
    Turn turn{executor_, burst.answers, burst.now, progress_};
    turn.reserved = &value.reserved;
    return execute(burst, turn, *entry, command, line_end.size());
}

}  // namespace twincached::protocol
