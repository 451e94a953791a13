#include "test/simulation/nats/sim_broker.hpp"

#include <algorithm>
#include <utility>

namespace twincached::simulation {

using namespace replication::nats;

namespace {

constexpr std::uint64_t answer_timeout_ms = 2000;
constexpr std::uint64_t yield_pause_ms = 500;

// "node.token.connection"
std::string place_of(unsigned node, Token token, std::uint64_t connection) {
    return std::to_string(node) + "." + std::to_string(token) + "." + std::to_string(connection);
}

}  // namespace

// --- connections -------------------------------------------------------------------------------

void SimBroker::connect(unsigned node) {
    auto& connection = connections_[node];
    if (connection.number != 0) return;
    connection = {connection.site};
    connection.number = ++connection_count_;
    to_node(node, [this](BrokerEvents& events) { events.connected(payload_limit); });
}

void SimBroker::disconnect(unsigned node, std::string_view why) {
    auto& connection = connections_[node];
    if (connection.number == 0) return;
    connection = {connection.site};
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

// --- streams and their mirrors -----------------------------------------------------------------

Sequence SimBroker::append(unsigned site, std::string payload) {
    ++stored;
    size_most = std::max(size_most, payload.size());
    auto& log = logs_[site][site];
    if (log.created == 0) log.created = log.origin_created = ++creations_;
    log.messages.push_back({std::move(payload), time_ms()});
    push_site(site, site);
    copy(1 - site);
    return log.next() - 1;
}

// What is missed is skipped: there is nothing in its places.
void SimBroker::copy(unsigned site) {
    const auto other = 1 - site;
    const auto is_due = [this, site, other] {
        const auto& mirror = logs_[site][other];
        return mirror.created != 0 && !is_way_cut_ && !is_mirror_held_[site] &&
               mirror.next() < logs_[other][other].next();
    };
    if (!is_due() || std::exchange(is_copying_[site], true)) return;
    agenda_.at(now_ms_ + delay(), [this, site, other, is_due] {
        is_copying_[site] = false;
        if (!is_due()) return;
        auto& mirror = logs_[site][other];
        const auto& origin = logs_[other][other];
        while (mirror.next() < origin.first)
            mirror.messages.push_back({{}, time_ms(), true});
        while (mirror.next() < origin.next())
            mirror.messages.push_back(origin.messages[mirror.next() - origin.first]);
        mirror.settle();
        push_site(site, other);
    });
}

void SimBroker::join_sites() {
    is_way_cut_ = false;
    for (unsigned site = 0; site < sites_most; ++site)
        copy(site);
}

void SimBroker::release_mirror(unsigned site) {
    is_mirror_held_[site] = false;
    copy(site);
}

bool SimBroker::are_mirrors_level() const {
    constexpr Sequence said_meanwhile = 2;
    for (unsigned site = 0; site < sites_most; ++site) {
        const auto& mirror = logs_[site][1 - site];
        const auto& origin = logs_[1 - site][1 - site];
        if (mirror.created != 0 && mirror.next() + said_meanwhile < origin.next()) return false;
    }
    return true;
}

void SimBroker::push_site(unsigned site, unsigned origin) {
    for (unsigned node = 0; node < nodes_most; ++node)
        if (connections_[node].site == site) push(node, site ^ origin);
}

void SimBroker::push_all(unsigned node) {
    for (StreamId stream = 0; stream < sites_most; ++stream)
        push(node, stream);
}

void SimBroker::push(unsigned node, StreamId stream) {
    auto& connection = connections_[node];
    auto& reading = connection.readings[stream];
    const auto& log = log_of(node, stream);
    if (connection.number == 0 || reading.next == 0 || connection.is_held) return;
    // As NATS has it: what is to begin behind the end begins at the next message, and whoever reads
    // finds that it is an earlier one.
    if (reading.begins_behind && log.next() > reading.end) return lose(node, stream);
    while (reading.next != 0 && reading.next < log.next()) {
        if (chance(habits_.lost_consumer_percent)) return lose(node, stream);
        reading.next = std::max(reading.next, log.first);
        if (reading.next == log.next()) return;
        const auto sequence = reading.next++;
        const auto& message = log.messages[sequence - log.first];
        if (message.is_gone) continue;
        const auto pending = log.next() - 1 - sequence;
        const auto consumer = reading.consumer;
        to_node(node,
                [this, node, stream, consumer, sequence, pending, message](BrokerEvents& events) {
                    if (connections_[node].readings[stream].consumer != consumer) return;
                    events.delivered({stream, sequence, message.time_ms, pending, message.payload});
                });
    }
}

void SimBroker::lose(unsigned node, StreamId stream) {
    auto& connection = connections_[node];
    auto& reading = connection.readings[stream];
    if (connection.number == 0 || reading.next == 0) return;
    reading.next = 0;
    // What was on its way before is delivered.
    to_node(node, [this, node, stream, consumer = reading.consumer](BrokerEvents& events) {
        auto& ended = connections_[node].readings[stream];
        if (ended.consumer != consumer) return;
        ++ended.consumer;
        events.consumer_lost(stream, "a gap");
    });
}

void SimBroker::lose_consumer(unsigned node) {
    for (StreamId stream = 0; stream < sites_most; ++stream)
        lose(node, stream);
}

void SimBroker::lose_all(unsigned site, unsigned origin) {
    for (unsigned node = 0; node < nodes_most; ++node)
        if (connections_[node].site == site) lose(node, site ^ origin);
}

void SimBroker::store(unsigned node, std::string payload, Token token) {
    if (refusing_) {
        return to_node(node, [token](BrokerEvents& events) { events.not_published(token, "503"); });
    }
    const auto site = connections_[node].site;
    if (chance(habits_.duplicate_percent)) (void)append(site, payload);
    const auto sequence = append(site, std::move(payload));
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

void SimBroker::begin_anew(unsigned site) {
    auto& log = logs_[site][site];
    log = {};
    log.created = log.origin_created = ++creations_;
    lose_all(site, site);
}

void SimBroker::set_back(std::uint64_t messages) {
    auto& log = logs_[0][0];
    while (messages-- > 0 && !log.messages.empty())
        log.messages.pop_back();
    lose_all(0, 0);
}

void SimBroker::trim(std::uint64_t age_ms) {
    for (auto& at_site : logs_) {
        for (auto& log : at_site) {
            while (!log.messages.empty() &&
                   log.messages.front().time_ms + static_cast<std::int64_t>(age_ms) < time_ms()) {
                log.messages.pop_front();
                ++log.first;
            }
            log.settle();
        }
    }
}

void SimBroker::take_out(unsigned percent) {
    for (auto& at_site : logs_) {
        for (auto& log : at_site) {
            for (auto& message : log.messages)
                message.is_gone = message.is_gone || chance(percent);
            log.settle();
        }
    }
}

// As StreamFinder does it: of an origin that cannot be reached nothing is known, and its mirror is
// good as it is.
bool SimBroker::find_mirror(unsigned site) {
    auto& mirror = logs_[site][1 - site];
    const auto& origin = logs_[1 - site][1 - site];
    const bool is_reached = !is_way_cut_ && origin.created != 0;
    if (!is_reached) return mirror.created != 0;
    if (mirror.created != 0 && mirror.origin_created == origin.created) return true;
    mirror = {};
    mirror.created = ++creations_;
    mirror.origin_created = origin.created;
    lose_all(site, 1 - site);
    copy(site);
    return true;
}

void SimBroker::look(unsigned node, StreamId stream) {
    auto& log = log_of(node, stream);
    if (refusing_ || (stream != own_stream && !find_mirror(connections_[node].site))) {
        return to_node(node, [stream](BrokerEvents& events) { events.no_stream(stream, "503"); });
    }
    if (log.created == 0) log.created = log.origin_created = ++creations_;
    to_node(node, [stream, state = log.state()](BrokerEvents& events) {
        events.stream_is(stream, state);
    });
}

// --- what nodes ask of it ----------------------------------------------------------------------

void SimBroker::Door::look(StreamId stream) {
    world->to_broker(node, [w = world, n = node, stream] { w->look(n, stream); });
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
                                            const auto site = w->connections_[n].site;
                                            if (!w->on_late)
                                                return (void)w->append(site, std::move(bytes));
                                            for (auto& instead : w->on_late(n, bytes))
                                                (void)w->append(site, std::move(instead));
                                        });
                      });
}

void SimBroker::Door::consume(StreamId stream, Sequence from) {
    auto& reading = world->connections_[node].readings[stream];
    reading.next = 0;
    const auto consumer = ++reading.consumer;
    world->to_broker(node, [w = world, n = node, stream, from, consumer] {
        auto& asked = w->connections_[n].readings[stream];
        if (asked.consumer != consumer) return;
        asked.next = from;
        asked.end = w->log_of(n, stream).next();
        asked.begins_behind = from > asked.end;
        w->to_node(n, [w, n, stream, consumer](BrokerEvents& events) {
            if (w->connections_[n].readings[stream].consumer == consumer) events.reading(stream);
        });
        w->push(n, stream);
    });
}

void SimBroker::Door::stop_consuming(StreamId stream) {
    auto& reading = world->connections_[node].readings[stream];
    reading.next = 0;
    ++reading.consumer;
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
            if (other != n && w->hear(n, other) && w->connections_[other].served.contains(subject))
                serving.push_back(other);
        if (serving.empty()) {
            return w->to_node(n, [token](BrokerEvents& events) {
                events.not_answered(token, "nobody is there");
            });
        }
        // Those of the same site come first.
        const auto is_here = [w, n](unsigned other) {
            return w->connections_[other].site == w->connections_[n].site;
        };
        if (std::any_of(serving.begin(), serving.end(), is_here))
            serving.erase(std::remove_if(serving.begin(), serving.end(),
                                         [&](unsigned other) { return !is_here(other); }),
                          serving.end());
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
    world->to_broker(
        node, [w = world, n = node, asker, token, number, bytes = std::string(payload)] {
            if (w->connections_[asker].number != number || !w->hear(n, asker)) return;
            w->to_node(asker,
                       [token, bytes](BrokerEvents& events) { events.answered(token, bytes, ""); });
        });
}

void SimBroker::Door::yield_number(std::string_view) {
    ++world->yields[node];
    world->agenda_.at(world->now_ms_, [w = world, n = node] { w->disconnect(n, "yields"); });
    world->agenda_.at(world->now_ms_ + yield_pause_ms, [w = world, n = node] {
        if (!w->is_number_free || w->is_number_free(n)) w->connect(n);
    });
}

void SimBroker::Door::tell(std::string_view subject, std::string_view payload) {
    world->to_broker(
        node, [w = world, n = node, subject = std::string(subject), bytes = std::string(payload)] {
            for (unsigned other = 0; other < nodes_most; ++other) {
                if (other == n || !w->hear(n, other)) continue;
                w->to_node(other,
                           [subject, bytes](BrokerEvents& events) { events.told(subject, bytes); });
            }
        });
}

}  // namespace twincached::simulation
