#include "protocol/meta/meta_answer.hpp"

#include "protocol/base64.hpp"
#include "protocol/digits.hpp"
#include "protocol/line_end.hpp"
#include "protocol/meta/meta_parser.hpp"

namespace twincached::protocol {

namespace {

// Each flag comes once, and what has numbers is one of seven, the value's bytes among them; up to
// three marks follow.
constexpr std::size_t key_flag_limit = 4 + base64_size(storage::key_size_limit);
constexpr std::size_t line_limit =
    2 + 7 * (2 + digits_limit) + key_flag_limit + 2 + opaque_limit + 3 * 2 + line_end.size();

}  // namespace

MetaAnswer::MetaAnswer(Output& output, MetaStatus status, std::optional<std::uint64_t> value_bytes)
    : bytes_(output.bytes()),
      begin_(bytes_.prepare(line_limit)),
      at_(put(begin_, {status.data(), status.size()})) {
    if (!value_bytes) return;
    *at_++ = ' ';
    at_ = put_number(at_, *value_bytes);
}

// In the order in which they were asked for. A `t` behind `N` or `T` shows what that has set, one
// before them what was there: memcached obeys and answers each where it comes to it.
MetaAnswer& MetaAnswer::flags(const MetaFlags& asked, const MetaFacts& facts) noexcept {
    auto ttl = facts.ttl;
    for (const char letter : asked.letters()) {
        if (letter == 'N' && facts.ttl_created) ttl = facts.ttl_created;
        if (letter == 'T' && facts.ttl_touched) ttl = facts.ttl_touched;
        if (letter == 't' && ttl) number_flag('t', *ttl);
        flag(letter, asked, facts);
    }
    return *this;
}

// A fact that this command does not have is left out, as are flags that only ask for something.
void MetaAnswer::flag(char letter, const MetaFlags& asked, const MetaFacts& facts) noexcept {
    switch (letter) {
        case 'c':
            if (facts.cas) number_flag('c', *facts.cas);
            break;
        case 's':
            if (facts.size) number_flag('s', *facts.size);
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
        case 'k':
            key_flag(facts);
            break;
        case 'O':
            at_ = put(put(at_, " O"), asked.opaque);
            break;
        default:
            break;
    }
}

MetaAnswer& MetaAnswer::mark(char letter) noexcept {
    *at_++ = ' ';
    *at_++ = letter;
    return *this;
}

void MetaAnswer::end_line() noexcept {
    at_ = put(at_, line_end);
    bytes_.commit(static_cast<std::size_t>(at_ - begin_));
}

template <std::integral Number>
void MetaAnswer::number_flag(char letter, Number number) noexcept {
    at_ = put_number(mark(letter).at_, number);
}

void MetaAnswer::key_flag(const MetaFacts& facts) noexcept {
    at_ = put(at_, " k");
    at_ = facts.binary_key ? put(put_base64(at_, facts.key), " b") : put(at_, facts.key);
}

}  // namespace twincached::protocol
