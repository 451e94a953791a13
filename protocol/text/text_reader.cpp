#include "protocol/text/text_reader.hpp"

#include "protocol/line_end.hpp"
#include "protocol/meta/meta_verbs.hpp"
#include "protocol/meta/plain_meta_get.hpp"
#include "protocol/text/classic_verbs.hpp"
#include "protocol/text/text_keys_ahead.hpp"
#include "protocol/text/text_parser.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace twincached::protocol {

namespace {

bool is_retrieval(std::string_view text) noexcept {
    // memcached, too, hangs up on a long line that begins with more blanks.
    constexpr std::size_t blanks_limit = 100;
    const auto begin = text.substr(0, blanks_limit + 1).find_first_not_of(' ');
    if (begin == std::string_view::npos) return false;
    text.remove_prefix(begin);
    for (const std::string_view verb : {"get ", "gets ", "gat ", "gats "}) {
        if (text.starts_with(verb)) return true;
    }
    return false;
}

// Nobody makes us hold a long line before saying who it is.
bool may_be_long(const Burst& burst, std::string_view text) noexcept {
    return burst.state.gate.is_open() && is_retrieval(text);
}

AnnouncedValue announced(const Verb& verb, const Command& command) noexcept {
    AnnouncedValue value;
    value.key = command.key;
    value.bytes = command.value_bytes;
    value.client_flags = command.client_flags;
    value.trailer_bytes = line_end.size();
    // memcached does not look at an ms command's mode here.
    value.is_set = verb.effect == Effect::sets;
    return value;
}

Answer answer_to(Admission admission) noexcept {
    switch (admission) {
        case Admission::granted:
            return Answer::stored;
        case Admission::malformed:
            return Answer::login_malformed;
        case Admission::refused:
        case Admission::go_on:
        case Admission::pending:
            return Answer::login_refused;
    }
    return Answer::login_refused;
}

}  // namespace

Next TextReader::next(Burst& burst) {
    const auto& state = burst.state;
    const bool is_new = !state.progress.started && scanned_ == 0;
    if (is_new && state.gate.is_open() && answer_run(burst)) return Next::go_on;
    const auto text = burst.input.readable();
    const void* const found = std::memchr(text.data() + scanned_, '\n', text.size() - scanned_);
    if (found == nullptr) return await_line(burst, text);
    const auto newline = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    // A stream that is no protocol of ours is not searched for its newlines for ever.
    if (newline > longest_line() && !may_be_long(burst, text)) return Next::close;
    scanned_ = newline;
    const auto end = newline > 0 && text[newline - 1] == '\r' ? newline - 1 : newline;
    const Line line{text.substr(0, end), newline + 1};
    if (burst.may_look_ahead()) burst.look_ahead(text_keys_ahead);
    return state.gate.is_open() ? run_line(burst, line) : run_login(burst, line);
}

// True if the input began with one.
bool TextReader::answer_run(Burst& burst) {
    const auto text = burst.input.readable();
    bool is_answered = false;
    if (key_of_get(text) > 0) {
        is_answered = burst.answer_run(scan_gets, execute_gets);
    } else if (begins_meta_get(text)) {
        is_answered = burst.answer_run(scan_plain_meta_gets, execute_plain_meta_gets);
    }
    if (is_answered) is_first_line_ = false;
    return is_answered;
}

Next TextReader::await_line(Burst& burst, std::string_view text) noexcept {
    scanned_ = text.size();
    const bool is_too_long = text.size() > longest_line() &&
                             (!may_be_long(burst, text) || text.size() > retrieval_line_limit);
    return is_too_long ? Next::close : Next::read_more;
}

Next TextReader::run_line(Burst& burst, const Line& line) {
    Command command;
    const Verb* verb = nullptr;
    auto refused = parse_line(line.text, verb, command);
    // Behind its first line a client has shown that it speaks to us: there only a whole HTTP
    // request line gives one away, and a word like "PUT" is merely unknown.
    if (refused == Answer::hang_up && !is_first_line_ && !names_http(line.text)) {
        refused = Answer::error;
    }
    is_first_line_ = false;
    if (refused == Answer::hang_up) return Next::close;
    auto& executor = burst.state.executor;
    if (verb == nullptr && executor.origin().is_datagram) return Next::close;
    // What was asked of another node may have been done: its answer is awaited.
    const bool is_refused =
        executor.service().is_read_only() && !executor.elsewhere().has_question();
    if (refused == Answer::none && is_refused && verb->changes(command)) {
        refused = Answer::read_only;
    }
    // The value comes whatever was wrong with the line: its bytes must not be taken for commands.
    if (refused != Answer::none && command.has_value) {
        return swallow_value(burst, line, command, refused);
    }
    if (command.has_value) return take_value(burst, line, *verb, command);
    if (refused != Answer::none) {
        burst.answers.set_quiet(command.noreply);
        burst.answers.write(refused);
        finish(burst, line.size_with_end);
        return Next::go_on;
    }
    auto turn = burst.turn();
    turn.pipelined = !burst.output.empty();
    if (executor.origin().waker != nullptr) turn.watcher = &burst.state.watcher;
    return execute(burst, turn, {*verb, command, line.size_with_end});
}

Next TextReader::execute(Burst& burst, Turn& turn, const Request& request) {
    burst.answers.set_quiet(request.command.noreply);
    TicketList::LastAnswer answer;
    answer.begins_at = burst.output.size();
    const auto outcome = request.verb.execute(turn, request.command);
    const auto next = burst.settle(outcome, answer, request.bytes);
    if (!is_suspended(outcome)) scanned_ = 0;
    return next;
}

Next TextReader::take_value(Burst& burst, const Line& line, const Verb& verb,
                            const Command& command) {
    auto value = announced(verb, command);
    value.announcement = line.text;
    value.head_bytes = line.size_with_end;
    auto& intake = burst.state.intake;
    switch (intake.take(burst.state.executor, burst.input, burst.now, value)) {
        case ValueIntake::Result::awaited:
            return Next::read_more;
        case ValueIntake::Result::begun:
            scanned_ = 0;
            return Next::go_on;
        case ValueIntake::Result::too_large:
            return swallow_value(burst, line, command, Answer::too_large);
        case ValueIntake::Result::no_memory:
            return swallow_value(burst, line, command, Answer::no_memory);
        case ValueIntake::Result::here:
            break;
    }
    const auto text = burst.input.readable().substr(line.size_with_end);
    const auto bytes = intake.size_in_input();
    const auto size = static_cast<std::size_t>(command.value_bytes);
    if (text.substr(size, line_end.size()) != line_end) {
        return refuse_chunk(burst, command, bytes);
    }
    auto turn = burst.turn();
    turn.value = text.substr(0, size);
    return execute(burst, turn, {verb, command, bytes});
}

Next TextReader::swallow_value(Burst& burst, const Line& line, const Command& command,
                               Answer answer) {
    burst.state.intake.begin_swallowing(command.value_bytes + line_end.size(),
                                        command.noreply ? Answer::none : answer);
    finish(burst, line.size_with_end);
    return Next::go_on;
}

Next TextReader::finish_large(Burst& burst, LargeValue& value) {
    Command command;
    const Verb* verb = nullptr;
    // It was accepted when the value was begun, and parsing is pure.
    [[maybe_unused]] const auto refused = parse_line(value.announcement, verb, command);
    assert(refused == Answer::none);
    if (burst.input.readable().substr(0, line_end.size()) != line_end) {
        return refuse_chunk(burst, command, line_end.size());
    }
    auto turn = burst.turn();
    turn.reserved = &value.reserved;
    return execute(burst, turn, {*verb, command, line_end.size()});
}

// What stands where the value's line end should is taken for it, and the client told.
Next TextReader::refuse_chunk(Burst& burst, const Command& command, std::size_t consumed) {
    burst.answers.set_quiet(command.noreply);
    burst.answers.write(Answer::bad_chunk);
    finish(burst, consumed);
    return Next::go_on;
}

// While the gate is shut, a line is a login in the dress of a `set`, or nothing (memcached's
// doc/protocol.txt, "Authentication").
Next TextReader::run_login(Burst& burst, const Line& line) {
    if (is_first_line_ && names_http(line.text)) return Next::close;
    is_first_line_ = false;
    is_refused_token_ = false;
    const auto size = parse_login_line(line.text);
    if (!size) {
        const bool is_command = find_verb(Words(line.text).next()) != nullptr;
        if (!is_command && burst.state.executor.origin().is_datagram) return Next::close;
        burst.answers.write(Answer::unauthenticated);
        finish(burst, line.size_with_end);
        return Next::go_on;
    }
    if (*size > Authentication::message_limit) {
        // As with memcached, what follows is no value but the next line.
        is_refused_token_ = true;
        burst.state.gate.refuse_malformed(burst.state.executor);
        burst.answers.write(Answer::login_too_long);
        finish(burst, line.size_with_end);
        return burst.state.gate.is_exhausted() ? Next::close : Next::go_on;
    }
    const auto bytes = line.size_with_end + *size + line_end.size();
    if (!burst.state.intake.is_here(burst.input, bytes)) return Next::read_more;
    const auto text = burst.input.readable().substr(line.size_with_end);
    auto& state = burst.state;
    auto answer = Answer::login_bad_end;
    if (text.substr(*size, line_end.size()) == line_end) {
        answer = answer_to(state.gate.log_in(state.executor, text.substr(0, *size)));
    } else {
        state.gate.refuse_malformed(state.executor);
    }
    burst.answers.write(answer);
    finish(burst, bytes);
    return burst.state.gate.is_exhausted() ? Next::close : Next::go_on;
}

void TextReader::finish(Burst& burst, std::size_t consumed) noexcept {
    burst.finish(consumed);
    scanned_ = 0;
}

}  // namespace twincached::protocol
