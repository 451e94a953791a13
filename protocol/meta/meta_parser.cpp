#include "protocol/meta/meta_parser.hpp"

#include "protocol/base64.hpp"

namespace twincached::protocol {

namespace {

// Of all commands alike: a letter that a command has no use for is accepted and ignored, as
// memcached does. Source: TEXT_PROTOCOL.md, meta commands.
constexpr std::string_view known_letters = "bcfhklqstuvxCDEFIJLMNOPRT";

// What M may say, and what a command says to anything else. Without letters M is not looked at.
struct Modes {
    std::string_view letters;
    Answer refusal = Answer::none;
};
constexpr Modes no_modes{};
constexpr Modes set_modes{"EAPRS", Answer::meta_bad_set_mode};
constexpr Modes arithmetic_modes{"I+D-", Answer::meta_bad_arithmetic_mode};

constexpr std::uint64_t make_known() noexcept {
    std::uint64_t mask = 0;
    for (const char letter : known_letters)
        mask |= MetaFlags::bit_of(letter);
    return mask;
}
constexpr std::uint64_t known = make_known();
static_assert(known_letters.size() <= std::tuple_size_v<decltype(MetaFlags::order)>);

// 'A' to 'z' lie within 64 letters, so one bit each is enough.
static_assert(MetaFlags::bit_of('A') != MetaFlags::bit_of('a'));

// As many digits as there are: memcached reads `T30x` as 30. A token without a digit, or a number
// that does not fit, is refused in the words of its flag.
template <std::integral Number>
Answer take_number(std::string_view token, Number& number, Answer refusal) noexcept {
    const auto parsed = lib::parse_leading_number<Number>(token);
    if (!parsed) return refusal;
    number = *parsed;
    return Answer::none;
}

Answer take_seconds(std::string_view token, std::int64_t& seconds) noexcept {
    return take_number(token, seconds, Answer::meta_bad_token);
}

Answer take_client_flags(std::string_view token, std::uint32_t& flags) noexcept {
    std::uint64_t number = 0;
    const auto refused = take_number(token, number, Answer::bad_line);
    flags = static_cast<std::uint32_t>(number);  // as in a set's line, what is beyond is cut off
    return refused;
}

Answer take_mode(const Modes& modes, std::string_view token, MetaFlags& meta) noexcept {
    if (modes.letters.empty()) return Answer::none;
    if (token.size() != 1 || modes.letters.find(token.front()) == std::string_view::npos) {
        return modes.refusal;
    }
    meta.mode = token.front();
    return Answer::none;
}

Answer take_token(const Modes& modes, char letter, std::string_view token,
                  MetaFlags& meta) noexcept {
    switch (letter) {
        case 'C':
            return take_number(token, meta.cas, Answer::meta_bad_token);
        case 'E':
            return take_number(token, meta.explicit_cas, Answer::meta_bad_token);
        case 'D':
            return take_number(token, meta.delta, Answer::meta_bad_delta);
        case 'J':
            return take_number(token, meta.initial, Answer::meta_bad_initial);
        case 'F':
            return take_client_flags(token, meta.client_flags);
        case 'N':
            return take_seconds(token, meta.vivify_ttl);
        case 'R':
            return take_seconds(token, meta.recache_below);
        case 'T':
            return take_seconds(token, meta.ttl);
        case 'M':
            return take_mode(modes, token, meta);
        case 'O':
            meta.opaque = token;
            return token.size() > opaque_limit ? Answer::meta_opaque_too_long : Answer::none;
        default:
            return Answer::none;
    }
}

bool all_are_letters(Words words) noexcept {
    for (auto word = words.next(); !word.empty(); word = words.next()) {
        if (!is_flag_letter(word.front())) return false;
    }
    return true;
}

// Each flag once. The first fault is the answer; what stands before it has no effect, for nothing
// is executed until the whole line is understood.
Answer take_flags(Words words, const Modes& modes, Command& command) noexcept {
    auto& meta = command.meta;
    for (auto word = words.next(); !word.empty(); word = words.next()) {
        const char letter = word.front();
        const auto bit = MetaFlags::bit_of(letter);
        if ((meta.seen & bit) != 0) return Answer::meta_duplicate;
        if ((known & bit) == 0 || !is_flag_letter(letter)) return Answer::meta_invalid;
        meta.add(letter);
        const auto refused = take_token(modes, letter, word.substr(1), meta);
        if (refused != Answer::none) return refused;
    }
    return Answer::none;
}

// Into the command, so that the key outlives the line; a text key stays where it lies. What is left
// of a key that came in base64 may hold any byte.
Answer decode_key(Command& command) noexcept {
    if (!command.meta.has('b')) return Answer::none;
    const auto size = decode_base64(command.meta.wire_key, command.decoded_key);
    if (!size || *size == 0) return Answer::meta_bad_key;
    command.key = {command.decoded_key.data(), *size};
    return Answer::none;
}

Answer parse_meta(Words words, const Modes& modes, Command& command) noexcept {
    command.key = command.meta.wire_key;
    if (!is_key(command.key)) return Answer::bad_line;
    const auto refused = take_flags(words, modes, command);
    return refused != Answer::none ? refused : decode_key(command);
}

}  // namespace

Answer parse_meta_get(Words words, Command& command) noexcept {
    command.meta.wire_key = words.next();
    const auto refused = parse_meta(words, no_modes, command);
    return refused == Answer::none || all_are_letters(words) ? refused : Answer::bad_line;
}

Answer parse_meta_delete(Words words, Command& command) noexcept {
    return parse_meta_get(words, command);
}

// memcached takes the key as it stands, whatever flags follow, `b` among them.
Answer parse_meta_debug(Words words, Command& command) noexcept {
    command.key = command.meta.wire_key = words.next();
    return is_key(command.key) ? Answer::none : Answer::bad_line;
}

Answer parse_meta_set(Words words, Command& command) noexcept {
    command.meta.wire_key = words.next();
    const auto length = words.next();
    if (!all_are_letters(words) || !command.announce_value(length)) return Answer::bad_line;
    const auto refused = parse_meta(words, set_modes, command);
    command.client_flags = command.meta.client_flags;
    return refused;
}

// memcached tells the faults of this command's flags by one sentence.
Answer parse_meta_arithmetic(Words words, Command& command) noexcept {
    command.meta.wire_key = words.next();
    if (!all_are_letters(words)) return Answer::bad_line;
    const auto refused = parse_meta(words, arithmetic_modes, command);
    switch (refused) {
        case Answer::meta_bad_token:
        case Answer::meta_bad_delta:
        case Answer::meta_bad_initial:
        case Answer::meta_bad_key:
        case Answer::meta_duplicate:
        case Answer::meta_invalid:
            return Answer::meta_invalid_or_duplicate;
        case Answer::bad_line:
            return command.meta.seen != 0 ? Answer::meta_invalid_or_duplicate : refused;
        default:
            return refused;
    }
}

}  // namespace twincached::protocol
