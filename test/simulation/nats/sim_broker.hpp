// A broker as engines see it, on one thread: streams in one order each, who reads them, questions,
// answers. Everything takes time, and a seed decides how much; what is on its way over a connection
// that ends is lost, but for messages that are published late all the same. There may be two sites,
// each with a stream of its own and a mirror of the other's, and a way between them that may be
// cut. Owned by the world.
#pragma once

#include "lib/random.hpp"
#include "replication/nats/broker.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::simulation {

// What happens at a time, and what was planned first first.
class Agenda {
  public:
    using Action = std::function<void()>;
    void at(std::uint64_t ms, Action action) {
        actions_.emplace(Key{ms, ++count_}, std::move(action));
    }
    bool empty() const { return actions_.empty(); }
    std::uint64_t next_ms() const { return actions_.begin()->first.first; }
    // REQUIRES: not empty.
    void perform_next() {
        auto action = std::move(actions_.begin()->second);
        actions_.erase(actions_.begin());
        action();
    }

  private:
    using Key = std::pair<std::uint64_t, std::uint64_t>;
    std::map<Key, Action> actions_;
    std::uint64_t count_ = 0;
};

struct BrokerHabits {
    // What is said is stored or never is: for a test that goes step by step.
    static BrokerHabits prompt() {
        BrokerHabits habits;
        habits.late_percent = 0;
        return habits;
    }

    std::uint64_t delay_most_ms = 3;
    unsigned late_percent = 50;      // of messages whose connection ended: they are stored later
    unsigned unheard_percent = 0;    // stored, and the publisher is not told
    unsigned duplicate_percent = 0;  // stored twice
    unsigned lost_consumer_percent = 0;  // of deliveries
};

// A stream, or the copy of another site's.
struct SimLog {
    struct Stored {
        std::string payload;
        std::int64_t time_ms;
        bool is_gone = false;  // taken out
    };
    std::int64_t created = 0;         // 0: it is not there
    std::int64_t origin_created = 0;  // of a mirror
    replication::nats::Sequence first = 1;
    std::deque<Stored> messages{};

    replication::nats::Sequence next() const { return first + messages.size(); }
    // What it begins with is there.
    void settle() {
        for (; !messages.empty() && messages.front().is_gone; ++first)
            messages.pop_front();
    }
    replication::nats::StreamState state() const {
        using replication::nats::StreamState;
        StreamState state{created, first, next() - 1, origin_created};
        if (!messages.empty()) state.last_ms = messages.back().time_ms;
        return state;
    }
};

class SimBroker {
  public:
    static constexpr unsigned nodes_most = 4;
    static constexpr unsigned sites_most = 2;

    SimBroker(Agenda& agenda, const std::uint64_t& now_ms, std::uint64_t seed,
              const BrokerHabits& habits)
        : agenda_(agenda), now_ms_(now_ms), random_(seed), habits_(habits) {}

    // What a node is called through; a call is made with its clock set, or never.
    struct Client {
        std::function<void(std::function<void(replication::nats::BrokerEvents&)>)> call;
    };
    replication::nats::Broker& broker_of(unsigned node) { return doors_[node]; }
    void set_client(unsigned node, Client client) { clients_[node] = std::move(client); }

    void connect(unsigned node);
    void disconnect(unsigned node, std::string_view why);
    bool is_connected(unsigned node) const { return connections_[node].number != 0; }

    // --- two sites ---
    // Before the node connects. Stream 0 is its own site's, 1 the other's.
    void set_site(unsigned node, unsigned site) { connections_[node].site = site; }
    void cut_sites() { is_way_cut_ = true; }
    void join_sites();
    // The mirror there copies nothing for a while, as NATS' do now and then for three seconds.
    void hold_mirror(unsigned site) { is_mirror_held_[site] = true; }
    void release_mirror(unsigned site);
    // But for a message or two that nodes say of themselves all the time.
    bool are_mirrors_level() const;

    // --- what is done to the broker ---
    void set_refusing(bool refusing) { refusing_ = refusing; }
    // All that it holds is lost, and the stream is created again when it is looked for. What a
    // mirror has is its own.
    void begin_anew(unsigned site = 0);
    // The last messages are lost.
    void set_back(std::uint64_t messages);
    // What is older is forgotten, in mirrors, too.
    void trim(std::uint64_t age_ms);
    // So many of all messages are taken out, wherever they stand; of each log others.
    void take_out(unsigned percent);
    void lose_consumer(unsigned node);
    // The time that the broker's clock shows.
    std::int64_t time_ms() const { return epoch_ms + static_cast<std::int64_t>(now_ms_); }
    static constexpr std::int64_t epoch_ms = 1'900'000'000'000;

    // What is stored in the place of a message that comes late.
    std::function<std::vector<std::string>(unsigned node, const std::string& payload)> on_late;
    // The node reads nothing for a while, though it is connected.
    void hold(unsigned node) { connections_[node].is_held = true; }
    void release(unsigned node) {
        connections_[node].is_held = false;
        push_all(node);
    }
    // How often a node was cut off because another might have its number.
    std::array<unsigned, nodes_most> yields{};
    // Then it comes back, if nobody else has it.
    std::function<bool(unsigned node)> is_number_free;
    std::uint64_t late = 0;
    std::uint64_t stored = 0;
    std::size_t size_most = 0;
    static constexpr std::size_t max_payload = 1U << 20;
    std::size_t payload_limit = 1U << 20;

  private:
    using BrokerEvents = replication::nats::BrokerEvents;
    struct Reading {
        replication::nats::Sequence next = 0;  // 0: nothing
        std::uint64_t consumer = 0;
        replication::nats::Sequence end = 0;  // of the log, when it began
        bool begins_behind = false;
    };
    struct Connection {
        unsigned site = 0;
        std::uint64_t number = 0;  // 0: none
        std::set<std::string> served{};
        std::array<Reading, sites_most> readings{};
        bool is_held = false;
        std::uint64_t arrives_ms = 0;  // what is sent to the node stays in order
        std::uint64_t leaves_ms = 0;   // what the node sends, too
    };
    // One node's side of Broker.
    class Door final : public replication::nats::Broker {
      public:
        void look(replication::nats::StreamId stream) override;
        void publish(replication::nats::Token token, std::string_view payload) override;
        void consume(replication::nats::StreamId stream, replication::nats::Sequence from) override;
        void stop_consuming(replication::nats::StreamId stream) override;
        void serve(std::string_view subject, bool whether) override;
        void ask(replication::nats::Token token, std::string_view subject,
                 std::string_view payload) override;
        void reply(std::string_view to, std::string_view payload) override;
        void tell(std::string_view subject, std::string_view payload) override;
        void yield_number(std::string_view why) override;

        SimBroker* world = nullptr;
        unsigned node = 0;
    };
    friend class Door;

    std::uint64_t delay() { return random_.below(habits_.delay_most_ms + 1); }
    bool chance(unsigned percent) { return random_.below(100) < percent; }
    // When it gets there, in order.
    void to_broker(unsigned node, std::function<void()> action);
    void to_node(unsigned node, std::function<void(BrokerEvents&)> event);
    void store(unsigned node, std::string payload, replication::nats::Token token);
    replication::nats::Sequence append(unsigned site, std::string payload);
    void push(unsigned node, replication::nats::StreamId stream);
    void push_all(unsigned node);
    void push_site(unsigned site, unsigned origin);
    void lose(unsigned node, replication::nats::StreamId stream);
    void lose_all(unsigned site, unsigned origin);
    void look(unsigned node, replication::nats::StreamId stream);
    // False: it cannot be made.
    bool find_mirror(unsigned site);
    void copy(unsigned site);
    bool hear(unsigned one, unsigned other) const {
        return !is_way_cut_ || connections_[one].site == connections_[other].site;
    }
    unsigned origin_of(unsigned node, replication::nats::StreamId stream) const {
        return connections_[node].site ^ stream;
    }
    SimLog& log_of(unsigned node, replication::nats::StreamId stream) {
        return logs_[connections_[node].site][origin_of(node, stream)];
    }

    Agenda& agenda_;
    const std::uint64_t& now_ms_;
    lib::Random random_;
    const BrokerHabits habits_;
    std::array<Door, nodes_most> doors_ = make_doors();
    std::array<Door, nodes_most> make_doors() {
        std::array<Door, nodes_most> doors;
        for (unsigned i = 0; i < nodes_most; ++i) {
            doors[i].world = this;
            doors[i].node = i;
        }
        return doors;
    }
    std::array<Client, nodes_most> clients_;
    std::array<Connection, nodes_most> connections_;
    std::uint64_t connection_count_ = 0;
    // By where they are, and whose they are.
    std::array<std::array<SimLog, sites_most>, sites_most> logs_{};
    std::int64_t creations_ = 0;
    bool is_way_cut_ = false;
    std::array<bool, sites_most> is_mirror_held_{};
    std::array<bool, sites_most> is_copying_{};
    bool refusing_ = false;
};

}  // namespace twincached::simulation
