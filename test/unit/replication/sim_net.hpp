// A network with two nodes in it, on one thread and in simulated time: two real engines, with
// delays, splits, refusals, silent cuts, stopped and killed processes as a test asks for them.
// Equal seeds give equal runs.
#pragma once

#include "lib/random.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/link/engine.hpp"
#include "storage/store.hpp"
#include "test/support/failing_allocations.hpp"
#include "test/support/kept_items.hpp"
#include "test/unit/replication/shortened_walk.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::replication::pair {

class SimNet {
  public:
    struct Process {
        std::unique_ptr<ChangeSink> sink;
        std::unique_ptr<storage::MutationSink> observer;  // between the two, if a test wants one
        std::unique_ptr<storage::Store> store;
        std::unique_ptr<Engine> engine;
        std::optional<Instant> timer;
    };
    struct Node {
        unsigned number = 0;
        std::optional<Process> process;
        bool stopped = false;                       // SIGSTOP
        std::vector<std::function<void()>> missed;  // while stopped
        std::uint64_t incarnation = 0;
        std::string log;
        bool ready = false;
        std::vector<RoleChange> role_changes;
        Access access = Access::open;
        OnSplit on_split = OnSplit::both_serve;
        bool flush_on_peer_crash = false;
        std::uint64_t scrub_interval_ms = 0;
        std::size_t log_bytes = 1 << 20;
        unsigned shards = 1;
        std::uint16_t protocol = protocol_newest;
        std::string settings = "as it comes";
        ArbitrationDesk::Options arbitration = default_arbitration_options();
        ArbitrationDesk* desk = nullptr;  // where its clients ask; null: they do not
        std::optional<Timing::ms> drain_timeout;
        std::optional<Timing::ms> clock_max_ahead;
        bool drained = false;
        bool self_connected = false;  // its peer's address is its own
        std::string secret = "secret";
        std::string cluster = "simulation";
        std::string peer_place;  // as lines of log name it
        unsigned name = 0;
        bool has_peer = true;
        std::int64_t clock_offset_ms = 0;
        std::uint64_t dials = 0;
        std::uint64_t bytes_sent = 0;
        std::uint64_t idle_timers = 0;  // that left what was due as it was
        std::uint64_t shortages = 0;    // events that found no memory

        bool said(std::string_view text) const { return log.find(text) != std::string::npos; }
        Engine& engine() { return *process->engine; }
    };

    explicit SimNet(std::uint64_t seed) : random_(seed) {
        for (unsigned i = 0; i < 2; ++i)
            nodes[i].number = nodes[i].name = i;
    }
    ~SimNet() { queue_.clear(); }

    Node nodes[2];
    Timing::ms delay_max{5};
    std::function<std::unique_ptr<storage::MutationSink>(unsigned, storage::MutationSink&)> observe;
    std::function<void(unsigned)> after_event;  // of that node's engine, if a test wants to know
    std::function<void(std::string&)> tamper;   // with what nodes send to each other
    std::size_t few_items = 0;  // with no more than these a full walk is shortened, too
    bool partitioned = false;   // nobody is told; bytes are held up, dials vanish
    bool mute[2] = {};          // what this node sends is held up
    Instant time{10000};

    // What an orderly stop leaves behind, as the memory file holds it.
    struct Memory {
        std::string of_engine;
        test::KeptItems items;
    };

    // With a memory: a warm restart. Any of the node's will do: a machine that was put back to an
    // earlier state has an older one.
    void boot(unsigned n, const Memory* memory = nullptr) {
        auto& node = nodes[n];
        ++node.incarnation;
        node.ready = node.drained = false;
        node.access = Access::open;
        node.stopped = false;
        node.missed.clear();
        EngineOptions options;
        options.self.cluster = node.cluster;
        options.peer_place = node.peer_place;
        options.self.secret = node.secret;
        options.self.node = node.name;
        options.self.epoch = random_.next() | 1;
        options.has_peer = node.has_peer;
        options.software_version = "simulated";
        options.self.protocol_newest = node.protocol;
        options.chosen.on_split = node.on_split;
        if (node.flush_on_peer_crash) options.chosen.on_peer_crash = OnPeerCrash::flush;
        options.settings = node.settings;
        options.arbitration = node.arbitration;
        options.desk = node.desk;
        if (node.clock_max_ahead) options.self.clock_max_ahead = *node.clock_max_ahead;
        if (node.drain_timeout) options.drain_timeout = *node.drain_timeout;
        options.chosen.scrub_interval = Timing::ms(node.scrub_interval_ms);
        for (auto& byte : options.entropy)
            byte = static_cast<std::uint8_t>(random_.next());
        Process process;
        auto store = storage::default_store_options();
        store.memory_limit_bytes = 8 << 20;
        store.shards = node.shards;
        store.node = node.name;
        process.sink =
            std::make_unique<ChangeSink>(storage::planned_shard_count(store), node.log_bytes);
        storage::MutationSink* sink_of_store = process.sink.get();
        if (observe) {
            process.observer = observe(n, *sink_of_store);
            sink_of_store = process.observer.get();
        }
        process.store =
            std::make_unique<storage::Store>(store, lib::KeyedHash("k"), *sink_of_store);
        process.engine = std::make_unique<Engine>(options, *process.sink);
        process.engine->attach(*process.store);
        if (memory != nullptr) recall(process, *memory, now(n));
        node.process = std::move(process);
        auto* sink = node.process->sink.get();
        sink->set_wake([this, n] {
            at(time, n, [this, n] { event(n, [&](Engine& e, auto now) { e.on_wake(now); }); });
        });
        event(n, [](Engine& engine, const storage::Now& now) { engine.start(now); });
    }
    // The node is told to stop, drains, and its process ends.
    Memory shut_down(unsigned n) {
        auto& node = nodes[n];
        begin_drain(n);
        if (!run_until(Timing::ms(30'000), [&] { return node.drained; })) std::abort();
        Memory memory{node.engine().remember(), test::KeptItems(*node.process->store)};
        kill(n);
        return memory;
    }
    // As kill -9: the system closes what the process held.
    void kill(unsigned n) {
        for (auto& [id, pipe] : pipes_) {
            if (pipe.open[n]) hang_up(pipe, id, n);
        }
        nodes[n].process.reset();
        nodes[n].missed.clear();
        ++nodes[n].incarnation;
    }
    // The process is gone and nobody is told: a power cut.
    void vanish(unsigned n) {
        for (auto& [id, pipe] : pipes_)
            pipe.open[n] = false;
        nodes[n].process.reset();
        ++nodes[n].incarnation;
    }
    void stop(unsigned n) { nodes[n].stopped = true; }
    void resume(unsigned n) {
        nodes[n].stopped = false;
        auto missed = std::exchange(nodes[n].missed, {});
        if (random_.one_in(2)) timer(n);  // sometimes the timer is first
        for (auto& task : missed)
            task();
        timer(n);
    }
    void begin_drain(unsigned n) {
        event(n, [](Engine& engine, const storage::Now& now) { engine.begin_drain(now); });
    }

    // The node finds its connections broken; their other ends are told nothing.
    void reset_connections(unsigned n) {
        for (auto& [key, pipe] : pipes_) {
            for (unsigned end = 0; end < 2; ++end) {
                if (pipe.ends[end] != n || !std::exchange(pipe.open[end], false)) continue;
                event(n, [id = pipe.ids[end]](Engine& engine, const storage::Now& now) {
                    engine.on_closed(id, "connection reset", now);
                });
            }
        }
    }
    void order(unsigned n, Order what) {
        event(n, [what](Engine& engine, const storage::Now& now) { engine.take(what, now); });
    }
    void set_on_split(unsigned n, OnSplit policy) {
        event(n, [policy](Engine& engine, const storage::Now& now) {
            engine.set_on_split(policy, now);
        });
    }

    void run(Timing::ms duration) {
        run_until(duration, [] { return false; });
    }
    // False if it did not become true in time.
    bool run_until(Timing::ms limit, const std::function<bool()>& done) {
        const auto end = time + limit;
        while (!done()) {
            const auto next = next_time();
            if (!next || *next > end) {
                time = end;
                return done();
            }
            time = std::max(time, *next);
            step();
        }
        return true;
    }

    // Instead of clocks that never were wrong, if a test wants others.
    std::function<storage::Now(unsigned, Instant)> clock;

    storage::Now now(unsigned n) const {
        if (clock) return clock(n, time);
        storage::Now now;
        now.steady_ms = static_cast<std::uint64_t>(time.count());
        now.version_ms =
            static_cast<std::uint64_t>(50000000000 + time.count() + nodes[n].clock_offset_ms);
        return now;
    }
    LinkState state(unsigned n) { return nodes[n].engine().link().state(); }
    bool paired() {
        return nodes[0].process && nodes[1].process && nodes[0].engine().has_session() &&
               nodes[0].engine().session_number() == nodes[1].engine().session_number();
    }
    bool linked() {
        return paired() && state(0) == LinkState::linked && state(1) == LinkState::linked;
    }

    // A stranger's connection to node `n`.
    ConnectionId call(unsigned n) {
        const auto id = next_id_++;
        auto& pipe = pipes_[id];
        pipe.ends[n] = n;
        pipe.ids[n] = id;
        pipe.open[n] = true;
        pipe.is_strangers = true;
        event(n, [id](Engine& engine, const storage::Now& now) { engine.on_accepted(id, now); });
        return id;
    }
    void say(ConnectionId id, unsigned n, std::string bytes) {
        if (!is_open(id, n)) return;
        event(n, [&](Engine& engine, const storage::Now& now) { engine.on_bytes(id, bytes, now); });
    }
    // As if the other node had said it, before whatever is on its way.
    void say_as_peer(unsigned n, std::string_view bytes) {
        std::optional<ConnectionId> youngest;
        for (auto& [id, pipe] : pipes_) {
            if (pipe.is_strangers || !pipe.open[0] || !pipe.open[1]) continue;
            youngest = pipe.ids[pipe.ends[0] == n ? 0 : 1];
        }
        if (!youngest) return;
        event(n, [&](Engine& engine, const storage::Now& now) {
            engine.on_bytes(*youngest, bytes, now);
        });
    }
    void hang_up_stranger(ConnectionId id, unsigned n) {
        if (!std::exchange(pipes_[id].open[n], false)) return;
        event(n, [id](Engine& engine, const storage::Now& now) {
            engine.on_end_of_stream(id, "end of stream", now);
        });
    }
    bool is_open(ConnectionId id, unsigned n) { return pipes_[id].open[n]; }
    const std::string& heard_by_stranger(ConnectionId id) { return pipes_[id].heard; }

  protected:
    static void recall(Process& process, const Memory& memory, const storage::Now& now) {
        memory.items.restore_registers(*process.store);
        if (!process.engine->recall(memory.of_engine, now)) std::abort();
        memory.items.restore(*process.store, now);
    }

    // A connection has one number per end: id for the dialler, id + 1 for the acceptor.
    struct Pipe {
        unsigned ends[2] = {0, 1};
        bool open[2] = {};
        ConnectionId ids[2] = {};
        Instant arrival[2] = {Instant(0), Instant(0)};  // of the last bytes, per receiver
        bool is_strangers = false;
        std::string heard;
        std::deque<std::string> way[2];  // what is on its way, per receiver
    };
    struct Task {
        unsigned node;
        std::uint64_t incarnation;
        std::function<void()> run;
    };

    void at(Instant when, unsigned n, std::function<void()> run) {
        queue_.emplace(std::pair(when, order_++), Task{n, nodes[n].incarnation, std::move(run)});
    }
    Timing::ms delay() {
        return Timing::ms(random_.below(static_cast<std::uint64_t>(delay_max.count()) + 1));
    }

    std::optional<Instant> next_time() {
        std::optional<Instant> next;
        if (!queue_.empty()) next = queue_.begin()->first.first;
        for (auto& node : nodes) {
            if (!node.process || node.stopped || !node.process->timer) continue;
            if (!next || *node.process->timer < *next) next = node.process->timer;
        }
        return next;
    }
    void step() {
        for (unsigned n = 0; n < 2; ++n) {
            auto& node = nodes[n];
            if (node.process && !node.stopped && node.process->timer &&
                *node.process->timer <= time) {
                timer(n);
            }
        }
        while (!queue_.empty() && queue_.begin()->first.first <= time) {
            auto task = std::move(queue_.begin()->second);
            queue_.erase(queue_.begin());
            if (nodes[task.node].incarnation != task.incarnation) continue;
            if (nodes[task.node].stopped) {
                nodes[task.node].missed.push_back(std::move(task.run));
            } else {
                task.run();
            }
        }
    }
    void timer(unsigned n) {
        event(n, [](Engine& engine, const storage::Now& now) { engine.on_timer(now); });
        const auto& process = nodes[n].process;
        if (!process) return;
        const auto next = process->engine->deadline(now(n));
        if (next && *next <= time) ++nodes[n].idle_timers;
    }

    template <class Call>
    void event(unsigned n, Call call) {
        auto& process = nodes[n].process;
        if (!process) return;
        std::vector<Action> actions;
        try {
            const AllocationsMayFail may_fail;
            call(*process->engine, now(n));
            {
                const AllocationsSucceed of_the_net;
                shorten_walk(*process->sink, *process->store, few_items);
            }
            process->engine->drain(now(n), actions);
            const AllocationsSucceed of_the_test;
            if (auto change = process->engine->take_role_change())
                nodes[n].role_changes.push_back(std::move(*change));
        } catch (const std::bad_alloc&) {
            if (after_event) after_event(n);
            return start_over(n, actions);
        }
        if (after_event) after_event(n);
        process->timer = process->engine->deadline(now(n));
        if (process->timer && *process->timer <= time) *process->timer = time + Timing::ms(1);
        for (auto& action : actions)
            perform(n, action);
    }
    // As the driver does it (LinkLoop::start_over).
    void start_over(unsigned n, std::vector<Action>& actions) {
        for (auto& [id, pipe] : pipes_) {
            for (unsigned end = 0; end < 2; ++end) {
                if (pipe.ends[end] == n && pipe.open[end]) hang_up(pipe, id, end);
            }
        }
        auto& node = nodes[n];
        ++node.dials;
        ++node.shortages;
        node.engine().on_no_memory(now(n));
        node.process->timer = time + Timing::ms(50);  // its thread rests
        for (auto& action : actions) {
            const bool tells =
                action.kind == Action::Kind::ready || action.kind == Action::Kind::access ||
                action.kind == Action::Kind::drained || action.kind == Action::Kind::log;
            if (tells) perform(n, action);
        }
    }

    void perform(unsigned n, Action& action) {
        auto& node = nodes[n];
        switch (action.kind) {
            case Action::Kind::dial:
                return dial(n);
            case Action::Kind::hang_up:
                ++node.dials;
                return;
            case Action::Kind::send:
                return send(n, action);
            case Action::Kind::close:
            case Action::Kind::reset:
                for (auto& [id, pipe] : pipes_) {
                    const auto end = end_of(pipe, action.connection);
                    if (end && pipe.open[*end]) hang_up(pipe, id, *end);
                }
                return;
            case Action::Kind::ready:
                node.ready = true;
                return;
            case Action::Kind::access:
                node.access = action.access;
                return;
            case Action::Kind::drained:
                node.drained = true;
                return;
            case Action::Kind::log:
                if (action.line.level != LogLevel::debug) node.log += action.line.text + "\n";
                return;
        }
    }

    void dial(unsigned n) {
        const auto dial = ++nodes[n].dials;
        const unsigned to = nodes[n].self_connected ? n : 1 - n;
        if (partitioned) return;
        at(time + delay(), n, [this, n, to, dial] {
            if (nodes[n].dials != dial) return;  // given up
            if (!nodes[to].process) {
                return event(n, [](Engine& engine, const storage::Now& now) {
                    engine.on_connect_failed({"connection refused", true}, now);
                });
            }
            connect(n, to);
        });
    }
    void connect(unsigned from, unsigned to) {
        const auto id = next_id_;
        next_id_ += 2;
        auto& pipe = pipes_[id];
        pipe.ends[0] = from;
        pipe.ends[1] = to;
        pipe.ids[0] = id;
        pipe.ids[1] = id + 1;
        pipe.open[0] = pipe.open[1] = true;
        pipe.arrival[0] = pipe.arrival[1] = time + Timing::ms(1);
        at(time + Timing::ms(1), to, [this, to, id] {
            event(to, [id](Engine& engine, const storage::Now& now) {
                engine.on_accepted(id + 1, now);
            });
        });
        event(from,
              [id](Engine& engine, const storage::Now& now) { engine.on_connected(id, now); });
    }

    static std::optional<unsigned> end_of(const Pipe& pipe, ConnectionId id) {
        if (pipe.ids[0] == id) return 0U;
        if (pipe.ids[1] == id) return 1U;
        return std::nullopt;
    }

    void send(unsigned n, Action& action) {
        std::string bytes(action.bytes.readable());
        nodes[n].bytes_sent += bytes.size();
        const auto id = action.connection;
        at(time, n, [this, n, id, size = bytes.size()] {
            event(n,
                  [&](Engine& engine, const storage::Now& now) { engine.on_sent(id, size, now); });
        });
        if (auto found = pipes_.find(id); found != pipes_.end() && found->second.is_strangers) {
            found->second.heard += bytes;
            return;
        }
        if (tamper) tamper(bytes);
        for (auto& [key, pipe] : pipes_) {
            const auto end = end_of(pipe, id);
            if (end) return carry(key, pipe, *end, bytes);
        }
    }
    void carry(ConnectionId key, Pipe& pipe, unsigned end, const std::string& bytes) {
        const unsigned there = 1 - end;
        std::size_t from = 0;
        while (from < bytes.size()) {
            const auto left = bytes.size() - from;
            const auto size = random_.one_in(3) ? 1 + random_.below(left) : left;
            depart(key, pipe, there, bytes.substr(from, size));
            from += size;
        }
    }
    // An empty text is the end of the stream.
    void depart(ConnectionId key, Pipe& pipe, unsigned there, std::string bytes) {
        pipe.way[there].push_back(std::move(bytes));
        pipe.arrival[there] = std::max(pipe.arrival[there], time + delay());
        at(pipe.arrival[there], pipe.ends[there], [this, key, there] { arrive(key, there); });
    }
    // As TCP does it: what a cut holds up comes when it is over, in order.
    void arrive(ConnectionId key, unsigned there) {
        auto& pipe = pipes_[key];
        const auto n = pipe.ends[there];
        if (!pipe.open[there]) return;
        if (partitioned || mute[pipe.ends[1 - there]]) {
            return at(time + Timing::ms(20), n, [this, key, there] { arrive(key, there); });
        }
        const auto bytes = std::move(pipe.way[there].front());
        pipe.way[there].pop_front();
        const auto id = pipe.ids[there];
        if (bytes.empty()) pipe.open[there] = false;
        event(n, [&](Engine& engine, const storage::Now& now) {
            if (bytes.empty()) return engine.on_end_of_stream(id, "end of stream", now);
            engine.on_bytes(id, bytes, now);
        });
    }
    void hang_up(Pipe& pipe, ConnectionId key, unsigned end) {
        pipe.open[end] = false;
        if (!pipe.is_strangers && pipe.open[1 - end]) depart(key, pipe, 1 - end, "");
    }

    lib::Random random_;
    std::map<std::pair<Instant, std::uint64_t>, Task> queue_;
    std::uint64_t order_ = 0;
    std::map<ConnectionId, Pipe> pipes_;
    ConnectionId next_id_ = 2;
};

}  // namespace twincached::replication::pair
