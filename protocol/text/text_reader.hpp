// Takes the text protocol's requests out of a conversation's input: a line, and the value behind it
// where the verb has one. It remembers how far it has looked and nothing else: a line that is not
// finished with is parsed again when the conversation goes on. Owned by its conversation, whose
// thread alone calls it.
#pragma once

#include "protocol/execution/burst.hpp"
#include "protocol/text/verbs.hpp"

#include <cstddef>
#include <string_view>

namespace twincached::protocol {

class TextReader {
  public:
    // A request line; only a retrieval may be longer (clients ask for thousands of keys at once).
    static constexpr std::size_t line_limit = 2048;
    static constexpr std::size_t retrieval_line_limit = 8 << 20;
    // Behind the line of a login whose token is too long comes that token, as a line: it is refused
    // as one, and the client may try again. So much memcached reads at once.
    static constexpr std::size_t token_line_limit = 16 << 10;

    // The request at the front of the input. REQUIRES: the input is not empty, and no value that
    // was begun or refused is under way.
    Next next(Burst& burst);
    // A large value is there, and its line end at the front of the input.
    Next finish_large(Burst& burst, LargeValue& value);

  private:
    // A complete request line at the front of the input.
    struct Line {
        std::string_view text;  // without its end
        std::size_t size_with_end;
    };

    // A parsed line that is to be executed, and how much of the input it takes with its value.
    struct Request {
        const Verb& verb;
        const Command& command;
        std::size_t bytes;
    };

    bool answer_run(Burst& burst);
    Next await_line(Burst& burst, std::string_view text) noexcept;
    Next run_line(Burst& burst, const Line& line);
    Next run_login(Burst& burst, const Line& line);
    Next take_value(Burst& burst, const Line& line, const Verb& verb, const Command& command);
    Next swallow_value(Burst& burst, const Line& line, const Command& command, Answer answer);
    Next refuse_chunk(Burst& burst, const Command& command, std::size_t consumed);
    Next execute(Burst& burst, Turn& turn, const Request& request);
    void finish(Burst& burst, std::size_t consumed) noexcept;
    std::size_t longest_line() const noexcept {
        return is_refused_token_ ? token_line_limit : line_limit;
    }

    // Bytes at the front of the input that are known to hold no newline, so that a long line that
    // comes in bits is not searched from its beginning each time.
    std::size_t scanned_ = 0;
    bool is_first_line_ = true;      // of the connection: an HTTP client shows itself there
    bool is_refused_token_ = false;  // what comes next
};

}  // namespace twincached::protocol
