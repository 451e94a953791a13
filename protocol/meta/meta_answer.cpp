#include "protocol/meta/meta_answer.hpp"

#include "protocol/base64.hpp"
#include "protocol/digits.hpp"
#include "protocol/line_end.hpp"

namespace twincached::protocol {

MetaAnswer::MetaAnswer(Output& output, std::string_view status,
                       std::optional<std::uint64_t> value_bytes)
    : bytes_(output.bytes()) {
    bytes_.append(status);
    if (!value_bytes) return;
    char* const begin = bytes_.prepare(digits_limit + 1);
    *begin = ' ';
    bytes_.commit(static_cast<std::size_t>(put_number(begin + 1, *value_bytes) - begin));
}

// In the order in which they were asked for. A `t` behind `T` shows what that has set, one before
// it what was there: memcached answers each where it comes to it.
MetaAnswer& MetaAnswer::flags(const MetaFlags& asked, const MetaFacts& facts) {
    bool touched = false;
    for (const char letter : asked.letters()) {
        if (letter == 'T') touched = true;
        flag(letter, asked, facts, touched);
    }
    return *this;
}

// A fact that this command does not have is left out, as are flags that only ask for something.
void MetaAnswer::flag(char letter, const MetaFlags& asked, const MetaFacts& facts, bool touched) {
    switch (letter) {
        case 'c':
            if (facts.cas) cas_flag(*facts.cas);
            break;
        case 's':
            if (facts.size) number_flag('s', static_cast<std::int64_t>(*facts.size));
            break;
        case 'f':
            if (facts.client_flags) number_flag('f', *facts.client_flags);
            break;
        case 'h':
            if (facts.hit_before) number_flag('h', *facts.hit_before ? 1 : 0);
            break;
        case 'l':
            if (facts.idle_seconds) number_flag('l', *facts.idle_seconds);
            break;
        case 't':
            if (touched && facts.ttl_after) {
                number_flag('t', *facts.ttl_after);
            } else if (facts.ttl) {
                number_flag('t', *facts.ttl);
            }
            break;
        case 'k':
            key_flag(facts);
            break;
        case 'O':
            bytes_.append(" O");
            bytes_.append(asked.opaque);
            break;
        default:
            break;
    }
}

MetaAnswer& MetaAnswer::mark(char letter) {
    bytes_.append(' ');
    bytes_.append(letter);
    return *this;
}

void MetaAnswer::end_line() {
    bytes_.append(line_end);
}

void MetaAnswer::number_flag(char letter, std::int64_t number) {
    char* const begin = bytes_.prepare(digits_limit + 2);
    begin[0] = ' ';
    begin[1] = letter;
    bytes_.commit(static_cast<std::size_t>(put_number(begin + 2, number) - begin));
}

void MetaAnswer::cas_flag(std::uint64_t cas) {
    char* const begin = bytes_.prepare(digits_limit + 2);
    char* const end = put_number(put(begin, " c"), cas);
    bytes_.commit(static_cast<std::size_t>(end - begin));
}

void MetaAnswer::key_flag(const MetaFacts& facts) {
    char* const begin = bytes_.prepare(base64_size(facts.key.size()) + facts.key.size() + 4);
    char* at = put(begin, " k");
    at = facts.binary_key ? put(put_base64(at, facts.key), " b") : put(at, facts.key);
    bytes_.commit(static_cast<std::size_t>(at - begin));
}

}  // namespace twincached::protocol
