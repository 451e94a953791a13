#include "replication/nats/engine/number_guard.hpp"

#include <string>
#include <utility>

namespace twincached::replication::nats {

void NumberGuard::judge_pause() {
    const auto now_ms = context_.now.steady_ms;
    const auto before_ms = std::exchange(awake_ms_, now_ms);
    const bool stood_still =
        before_ms != 0 && now_ms > before_ms + ms_of(context_.options.member_timeout);
    if (stood_still) yield("this node stood still for longer than member-timeout");
}

void NumberGuard::on_heard(const Heard& heard, std::uint64_t session) {
    const bool is_doubled = heard.is_namesakes && heard.hearing != MemberTable::Hearing::is_late &&
                            heard.header.session > session;
    if (is_doubled) yield("another node speaks as node " + std::to_string(context_.options.node));
}

void NumberGuard::yield(std::string_view why) {
    if (footing_.is_connected && !std::exchange(footing_.is_doubled, true))
        broker_.yield_number(why);
}

}  // namespace twincached::replication::nats
