#include "replication/nats/jetstream/broker_session.hpp"

#include "lib/numbers.hpp"

#include <utility>

namespace twincached::replication::nats {
namespace {

// Those before are the channels that every connection has.
constexpr std::uint64_t first_number = 16;

}  // namespace

BrokerSession::BrokerSession(BrokerSettings settings) : settings_(std::move(settings)) {}

void BrokerSession::begin(Wire& wire, std::size_t max_payload, std::string inbox) {
    wire_ = &wire;
    max_payload_ = max_payload;
    inbox_ = std::move(inbox);
    numbers_ = first_number;
}

std::string BrokerSession::stream_name(StreamId stream) const {
    if (stream == own_stream) return names().stream;
    return mirror_of(names(), names().others[stream - 1]);
}

std::string BrokerSession::inbox_of(Inbox kind, std::uint64_t number) const {
    return inbox_ + "." + static_cast<char>(kind) + "." + std::to_string(number);
}

std::optional<InboxPlace> BrokerSession::place_of(std::string_view subject) const noexcept {
    const auto start = inbox_.size() + 1;
    if (subject.size() < start + 3 || subject[start + 1] != '.') return std::nullopt;
    const auto number = lib::parse_number<std::uint64_t>(subject.substr(start + 2));
    if (!number) return std::nullopt;
    return InboxPlace{static_cast<Inbox>(subject[start]), *number};
}

void BrokerSession::send(const std::string& subject, const std::string& reply,
                         std::string_view payload) {
    if (wire_ != nullptr) (void)wire_->publish(subject, reply, payload);
}

bool BrokerSession::subscribe(Channel channel, const std::string& subject,
                              const std::string& queue) {
    return wire_ != nullptr && wire_->subscribe(channel, subject, queue);
}

void BrokerSession::unsubscribe(Channel channel) {
    if (wire_ != nullptr) wire_->unsubscribe(channel);
}

}  // namespace twincached::replication::nats
