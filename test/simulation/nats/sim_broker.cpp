#include "test/simulation/nats/sim_broker.hpp"

#include <algorithm>
#include <utility>

namespace twincached::simulation {

using namespace replication::nats;

namespace {

constexpr std::uint64_t answer_timeout_ms = 2000;

// "node.token.connection"
std::string place_of(unsigned node, Token token, std::uint64_t connection) {
    return std::to_string(node) + "." + std::to_string(token) + "." + std::to_string(connection);
}

}  // namespace

// --- connections -------------------------------------------------------------------------------

void SimBroker::connect(unsigned node) {
    auto& connection = connections_[node];
    if (connection.number != 0) return;
    connection = {};
    connection.number = ++connection_count_;
    to_node(node, [this](BrokerEvents& events) { events.connected(payload_limit); });
}

void SimBroker::disconnect(unsigned node, std::string_view why) {
    auto& connection = connections_[node];
    if (connection.number == 0) return;
    connection = {};
    clients_[node].call(
        [why = std::string(why)](BrokerEvents& events) { events.disconnected(why); });
}

void SimBroker::to_broker(unsigned node, std::function<void()> action) {
    auto& connection = connections_[node];
    const auto number = connection.number;
    if (number == 0) return;
    connection.leaves_ms = std::max(connection.leaves_ms, now_ms_ + delay());
    agenda_.at(connection.leaves_ms, [this, node, number, action = std::move(action)] {
        if (connections_[node].number == number) action();
    });
}

void SimBroker::to_node(unsigned node, std::function<void(BrokerEvents&)> event) {
    auto& connection = connections_[node];
    const auto number = connection.number;
    if (number == 0) return;
    connection.arrives_ms = std::max(connection.arrives_ms, now_ms_ + delay());
    agenda_.at(connection.arrives_ms, [this, node, number, event = std::move(event)] {
        if (connections_[node].number != number) return;
        clients_[node].call([this, node, number, event](BrokerEvents& events) {
            // A node that stood still hears of it when it goes on, if it is connected by then.
            if (connections_[node].number == number) event(events);
        });
    });
}

// --- the stream --------------------------------------------------------------------------------

StreamState SimBroker::state() const {
    return {created_, first_, first_ + stream_.size() - 1};
}

Sequence SimBroker::append(std::string payload) {
    ++stored;
    size_most = std::max(size_most, payload.size());
    stream_.push_back({std::move(payload), time_ms()});
    for (unsigned node = 0; node < nodes_most; ++node)
        push(node);
    return first_ + stream_.size() - 1;
}

void SimBroker::push(unsigned node) {
    auto& connection = connections_[node];
    while (connection.number != 0 && connection.next != 0 && !connection.is_held &&
           connection.next < first_ + stream_.size()) {
        if (connection.next < first_) return lose_consumer(node);
        if (chance(habits_.lost_consumer_percent)) return lose_consumer(node);
        const auto sequence = connection.next++;
        const auto& message = stream_[sequence - first_];
        const auto pending = first_ + stream_.size() - 1 - sequence;
        const auto consumer = connection.consumer;
        to_node(node, [this, node, consumer, sequence, pending, message](BrokerEvents& events) {
            if (connections_[node].consumer != consumer) return;
            events.delivered({own_stream, sequence, message.time_ms, pending, message.payload});
        });
    }
}

void SimBroker::lose_consumer(unsigned node) {
    auto& connection = connections_[node];
    if (connection.number == 0 || connection.next == 0) return;
    connection.next = 0;
    ++connection.consumer;
    to_node(node, [](BrokerEvents& events) { events.consumer_lost(own_stream, "a gap"); });
}

void SimBroker::store(unsigned node, std::string payload, Token token) {
    if (refusing_) {
        return to_node(node, [token](BrokerEvents& events) { events.not_published(token, "503"); });
    }
    if (chance(habits_.duplicate_percent)) (void)append(payload);
    const auto sequence = append(std::move(payload));
    if (chance(habits_.unheard_percent)) {
        const auto number = connections_[node].number;
        agenda_.at(now_ms_ + answer_timeout_ms, [this, node, number, token] {
            if (connections_[node].number != number) return;
            to_node(node,
                    [token](BrokerEvents& events) { events.not_published(token, "no answer"); });
        });
        return;
    }
    to_node(node, [token, sequence](BrokerEvents& events) { events.published(token, sequence); });
}

void SimBroker::begin_anew() {
    stream_.clear();
    first_ = 1;
    ++created_;
    for (unsigned node = 0; node < nodes_most; ++node)
        lose_consumer(node);
}

void SimBroker::set_back(std::uint64_t messages) {
    while (messages-- > 0 && !stream_.empty())
        stream_.pop_back();
    for (unsigned node = 0; node < nodes_most; ++node)
        lose_consumer(node);
}

void SimBroker::trim(std::uint64_t age_ms) {
    while (!stream_.empty() &&
           stream_.front().time_ms + static_cast<std::int64_t>(age_ms) < time_ms()) {
        stream_.pop_front();
        ++first_;
    }
}

// --- what nodes ask of it ----------------------------------------------------------------------

void SimBroker::Door::look(StreamId stream) {
    world->to_broker(node, [w = world, n = node, stream] {
        if (w->refusing_) {
            return w->to_node(n,
                              [stream](BrokerEvents& events) { events.no_stream(stream, "503"); });
        }
        w->to_node(n, [stream, state = w->state()](BrokerEvents& events) {
            events.stream_is(stream, state);
        });
    });
}

void SimBroker::Door::publish(Token token, std::string_view payload) {
    auto& connection = world->connections_[node];
    const auto number = connection.number;
    if (number == 0) return;
    connection.leaves_ms = std::max(connection.leaves_ms, world->now_ms_ + world->delay());
    world->agenda_.at(connection.leaves_ms,
                      [w = world, n = node, number, token, bytes = std::string(payload)]() mutable {
                          if (w->connections_[n].number == number)
                              return w->store(n, std::move(bytes), token);
                          if (!w->chance(w->habits_.late_percent)) return;
                          w->agenda_.at(w->now_ms_ + w->random_.below(5000),
                                        [w, n, bytes = std::move(bytes)]() mutable {
                                            if (w->refusing_) return;
                                            ++w->late;
                                            if (!w->on_late)
                                                return (void)w->append(std::move(bytes));
                                            for (auto& instead : w->on_late(n, bytes))
                                                (void)w->append(std::move(instead));
                                        });
                      });
}

void SimBroker::Door::consume(StreamId, Sequence from) {
    world->connections_[node].next = 0;
    const auto consumer = ++world->connections_[node].consumer;
    world->to_broker(node, [w = world, n = node, from, consumer] {
        if (w->connections_[n].consumer != consumer) return;
        w->connections_[n].next = from;
        w->push(n);
    });
}

void SimBroker::Door::stop_consuming(StreamId) {
    world->connections_[node].next = 0;
    ++world->connections_[node].consumer;
}

void SimBroker::Door::serve(std::string_view subject, bool whether) {
    world->to_broker(node, [w = world, n = node, subject = std::string(subject), whether] {
        if (whether) {
            w->connections_[n].served.insert(subject);
        } else {
            w->connections_[n].served.erase(subject);
        }
    });
}

void SimBroker::Door::ask(Token token, std::string_view subject, std::string_view payload) {
    world->to_broker(node, [w = world, n = node, token, subject = std::string(subject),
                            bytes = std::string(payload)] {
        std::vector<unsigned> serving;
        for (unsigned other = 0; other < nodes_most; ++other)
            if (other != n && w->connections_[other].served.contains(subject))
                serving.push_back(other);
        if (serving.empty()) {
            return w->to_node(n, [token](BrokerEvents& events) {
                events.not_answered(token, "nobody is there");
            });
        }
        const auto number = w->connections_[n].number;
        const auto chosen = serving[w->random_.below(serving.size())];
        w->to_node(chosen, [subject, bytes, to = place_of(n, token, number)](BrokerEvents& events) {
            events.asked(subject, bytes, to);
        });
    });
}

void SimBroker::Door::reply(std::string_view to, std::string_view payload) {
    const auto first = to.find('.');
    const auto second = to.find('.', first + 1);
    const auto asker = static_cast<unsigned>(std::stoul(std::string(to.substr(0, first))));
    const Token token = std::stoull(std::string(to.substr(first + 1, second - first - 1)));
    const std::uint64_t number = std::stoull(std::string(to.substr(second + 1)));
    world->to_broker(node, [w = world, asker, token, number, bytes = std::string(payload)] {
        if (w->connections_[asker].number != number) return;
        w->to_node(asker,
                   [token, bytes](BrokerEvents& events) { events.answered(token, bytes, ""); });
    });
}

void SimBroker::Door::tell(std::string_view subject, std::string_view payload) {
    world->to_broker(
        node, [w = world, n = node, subject = std::string(subject), bytes = std::string(payload)] {
            for (unsigned other = 0; other < nodes_most; ++other) {
                if (other == n) continue;
                w->to_node(other,
                           [subject, bytes](BrokerEvents& events) { events.told(subject, bytes); });
            }
        });
}

}  // namespace twincached::simulation
