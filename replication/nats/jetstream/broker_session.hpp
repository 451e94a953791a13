// What is said over the connection that stands, and what all who say something need for it: the
// wire, the inbox that answers come to, numbers, the time. It ends with its connection; another
// begins with the next. Owned by JetStreamBroker, whose parts share it; the replication thread
// alone.
//
//     <inbox>.<kind>.<number>    answers to what was asked; Inbox says of which kind
//     <inbox>.<number>           what a consumer is given
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/jetstream/broker_settings.hpp"
#include "replication/nats/jetstream/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

// Whose answer it is that comes to the inbox; the letter stands in the subject.
enum class Inbox : char {
    publication = 'p',
    question = 'a',
    api_call = 'j',
    claim = 'n',
    reply = 'q',  // what is said to one who has replied; it has no number of its own
};
// Where in the inbox something arrived.
struct InboxPlace {
    Inbox kind;  // by whoever sent it: may be none of those above
    std::uint64_t number = 0;
};

class BrokerSession {
  public:
    using Instant = BrokerSettings::Instant;

    explicit BrokerSession(BrokerSettings settings);

    // Who is told, and must outlive it. Before anything else.
    void attach(BrokerEvents& events) noexcept { events_ = &events; }
    BrokerEvents& events() const noexcept { return *events_; }

    // `inbox` is a subject that no other connection has.
    void begin(Wire& wire, std::size_t max_payload, std::string inbox);
    void end() noexcept { wire_ = nullptr; }
    bool stands() const noexcept { return wire_ != nullptr; }

    // The time is told by whoever calls in.
    void at(Instant now) noexcept { now_ = now; }
    Instant now() const noexcept { return now_; }
    // When what is asked now counts as not answered.
    Instant patience_ends() const noexcept { return now_ + settings_.patience; }

    const BrokerSettings& settings() const noexcept { return settings_; }
    const Names& names() const noexcept { return settings_.names; }
    bool is_known(StreamId stream) const noexcept { return stream <= names().others.size(); }
    // As it is called here: of another site's stream that of its mirror. REQUIRES: it is known.
    std::string stream_name(StreamId stream) const;

    // Given to channels and API calls; each once per connection.
    std::uint64_t next_number() noexcept { return ++numbers_; }
    const std::string& inbox() const noexcept { return inbox_; }
    std::string inbox_of(Inbox kind, std::uint64_t number = 0) const;
    std::optional<InboxPlace> place_of(std::string_view subject) const noexcept;

    bool fits(std::string_view payload) const noexcept { return payload.size() <= max_payload_; }
    // What cannot be sent is lost with the connection, which will be told. `reply` may be empty.
    void send(const std::string& subject, const std::string& reply, std::string_view payload);
    // False: the connection is about to be lost. Empty queue: all of it is heard.
    bool subscribe(Channel channel, const std::string& subject, const std::string& queue);
    void unsubscribe(Channel channel);

  private:
    const BrokerSettings settings_;
    BrokerEvents* events_ = nullptr;
    Instant now_{0};
    Wire* wire_ = nullptr;  // null: no connection stands
    std::size_t max_payload_ = 0;
    std::string inbox_;
    std::uint64_t numbers_ = 0;
};

}  // namespace twincached::replication::nats
