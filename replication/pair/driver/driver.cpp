#include "replication/pair/driver/driver.hpp"

#include "lib/mutex.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/driver/driver_addresses.hpp"
#include "replication/pair/driver/driver_options.hpp"
#include "replication/pair/driver/driver_socket.hpp"
#include "replication/pair/driver/driver_tls.hpp"
#include "replication/pair/driver/link_dialler.hpp"
#include "replication/pair/driver/link_listener.hpp"
#include "replication/pair/driver/pacing.hpp"
#include "replication/pair/link/engine.hpp"
#include "replication/pair/link/pair_stats.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <future>
#include <map>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace twincached::replication::pair {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t read_space_bytes = 256U << 10;
constexpr int events_per_turn = 32;
constexpr std::chrono::microseconds long_turn{200};
constexpr std::chrono::milliseconds report_period{100};

// What the kernel tells of the calling thread; nothing where it keeps no such figures.
ThreadTimes thread_times() {
    std::ifstream file("/proc/thread-self/schedstat");
    std::uint64_t ran = 0;
    std::uint64_t waited = 0;
    if (!(file >> ran >> waited)) return {};
    return {std::chrono::nanoseconds(ran), std::chrono::nanoseconds(waited)};
}

unsigned node_of(const Options& options, const Addresses& peer) {
    const bool alone = options.peer_host.empty() && options.node.empty();
    return alone ? node_a : find_node(options, peer);
}

AckGate* make_gate(std::optional<AckGate>& gate, const Options& options, unsigned shards) {
    if (!options.ack_received || options.peer_host.empty()) return nullptr;
    return &gate.emplace(shards, options.ack);
}

// The members below the line are touched by the replication thread alone once it runs.
class PairReplicator final : public Replicator,
                             public LinkSocket::Owner,
                             public LinkListener::Owner,
                             public LinkDialler::Owner {
  public:
    PairReplicator(const Options& options, Events events, unsigned shards);
    ~PairReplicator() override { stop(); }

    storage::MutationSink& sink() noexcept override { return sink_; }
    std::optional<unsigned> node() const noexcept override { return node_; }
    AckGate* ack_gate() noexcept override { return gate_ ? &*gate_ : nullptr; }
    void start(storage::Store& store) override;
    void drain() override;
    void stop() noexcept override;
    std::string remember(storage::Store&) override { return engine_.remember(); }
    lib::Parsed<Recall> recall(const Remembered& memory, storage::Store& store) override;
    void set_on_split(OnSplit policy) override {
        asio::post(context_, [this, policy] { engine_.set_on_split(policy, now()); });
    }
    void use_tls(const std::shared_ptr<const lib::TlsContext>& tls) override { tls_.exchange(tls); }
    void stats(lib::FigureVisitor visit) const override;

  private:
    void on_bytes(ConnectionId id, std::string_view bytes) override;
    void on_sent(ConnectionId id, std::size_t count) override;
    void on_closed(ConnectionId id, std::string_view why, bool in_order) override;
    std::span<char> read_space() noexcept override { return read_space_; }

    void on_call(tcp::socket socket, const asio::ip::address& from) override;
    void on_call_lost(std::string_view why) override;
    void on_dialled(tcp::socket socket) override;
    void on_dial_failed(std::string_view why, bool refused) override;

    void wake();
    bool may_call(const asio::ip::address& from);
    void add(ConnectionId id, tcp::socket socket, lib::TlsStream::Side side);
    void run();
    void turn();
    void perform(Action& action, const storage::Now& instant);
    void arm_timer(const storage::Now& instant);
    void publish(const storage::Now& instant);
    storage::Now now() const { return events_.now(); }
    void log(LogLevel level, std::string_view line) const;

    const Options options_;
    const Events events_;
    const Addresses first_addresses_;  // of the peer, as resolved at the start
    const unsigned node_;
    const std::optional<asio::ip::address> listen_address_;
    LinkTls tls_;
    std::optional<AckGate> gate_;
    ChangeSink sink_;
    asio::io_context context_{1};
    std::thread thread_;
    std::promise<void> drained_;
    bool drain_began_ = false;
    std::atomic<bool> woken_{false};
    mutable lib::Mutex report_mutex_;
    LinkReport report_ GUARDED_BY(report_mutex_);

    // ---
    Engine engine_;
    LinkListener listener_{context_, *this};
    LinkDialler dialler_;
    asio::steady_timer timer_{context_};
    std::optional<Instant> timer_at_;
    std::map<ConnectionId, std::shared_ptr<LinkSocket>> sockets_;
    ConnectionId next_id_ = 1;
    std::vector<char> read_space_ = std::vector<char>(read_space_bytes);
    std::vector<Action> actions_;
    LinkState published_state_ = LinkState::listening;
    Instant published_at_{0};
    Instant stranger_line_at_{0};
};

PairReplicator::PairReplicator(const Options& options, Events events, unsigned shards)
    : options_(options),
      events_(std::move(events)),
      first_addresses_(options.peer_host.empty() ? Addresses{} : resolve_now(options.peer_host)),
      node_(node_of(options, first_addresses_)),
      listen_address_(specific_listen_address(options)),
      tls_(options.tls),
      sink_(shards, options.log_memory_bytes, make_gate(gate_, options, shards)),
      engine_(engine_options(options, node_), sink_),
      dialler_(context_, {options.peer_host, options.peer_port, first_addresses_}, listen_address_,
               *this) {
    sink_.set_wake([this] { wake(); });
}

// --- the control thread --------------------------------------------------------------------------

void PairReplicator::start(storage::Store& store) {
    engine_.attach(store);
    if (!options_.peer_host.empty()) {
        listener_.open(listen_address_, options_.listen_port);
        if (options_.secret.empty() && !options_.tls) {
            log(LogLevel::warning, "no secret is set: whoever can use the address of " +
                                       options_.peer_host +
                                       " can read and change this cache over the link");
        }
    }
    engine_.start(now());
    turn();
    // Signals are the business of the app's thread.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "replication");
        run();
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void PairReplicator::drain() {
    if (!thread_.joinable() || std::exchange(drain_began_, true)) return;
    asio::post(context_, [this] {
        listener_.close();
        engine_.begin_drain(now());
    });
    // The engine keeps the limit itself; a second more is for its goodbye.
    drained_.get_future().wait_for(options_.drain_timeout + std::chrono::seconds(1));
}

void PairReplicator::stop() noexcept {
    if (!thread_.joinable()) return;
    context_.stop();
    thread_.join();
    for (auto& [id, socket] : sockets_)
        socket->close();
    sockets_.clear();
}

// The other node's items would make two of one; what was hashed by another secret is in other
// buckets.
lib::Parsed<Recall> PairReplicator::recall(const Remembered& memory, storage::Store& store) {
    engine_.attach(store);
    if (!memory.node) {
        engine_.adopt();
        return Recall::anew;
    }
    if (*memory.node != node_)
        return std::string("it was saved by another kind of node (the other one of the pair)");
    if (!memory.hashes_alike) return std::string("the pair's secret was another one");
    if (!engine_.recall(memory.bytes))
        return std::string("what it says of the pair is of another driver or another version");
    return Recall::continued;
}

void PairReplicator::stats(lib::FigureVisitor visit) const {
    PairReport report;
    report.node = node_;
    if (!options_.peer_host.empty()) {
        report.peer = options_.peer_host + ":" + std::to_string(options_.peer_port);
        report.listen = (options_.listen_host.empty() ? "*" : options_.listen_host) + ":" +
                        std::to_string(options_.listen_port);
    }
    report.software_version = options_.software_version;
    report.has_secret = !options_.secret.empty();
    report.has_tls = options_.tls != nullptr;
    report.gate = gate_ ? &*gate_ : nullptr;
    report.exchange = engine_.exchange_stats();
    {
        const lib::MutexLock lock(report_mutex_);
        report.link = report_;
    }
    visit_stats(report, visit);
}

// --- any writer's thread -------------------------------------------------------------------------

void PairReplicator::wake() {
    if (woken_.exchange(true, std::memory_order_acq_rel)) return;
    asio::post(context_, [this] {
        woken_.store(false, std::memory_order_release);
        engine_.on_wake(now());
    });
}

// --- the replication thread ----------------------------------------------------------------------

void PairReplicator::on_call(tcp::socket socket, const asio::ip::address& from) {
    if (!may_call(from)) return;
    const auto id = next_id_++;
    add(id, std::move(socket), lib::TlsStream::Side::server);
    engine_.on_accepted(id, now());
}

void PairReplicator::on_call_lost(std::string_view why) {
    log(LogLevel::warning, "the link cannot accept: " + std::string(why));
}

// Without a secret the peer is known by its address alone.
bool PairReplicator::may_call(const asio::ip::address& from) {
    if (!options_.secret.empty()) return true;
    const auto& known = dialler_.addresses();
    if (std::find(known.begin(), known.end(), from) != known.end()) return true;
    const auto instant = instant_of(now());
    if (instant >= stranger_line_at_) {
        stranger_line_at_ = instant + stranger_line_pause;
        log(LogLevel::warning, "turned away a connection from " + from.to_string() +
                                   ", which is not the peer's address");
    }
    return false;
}

void PairReplicator::add(ConnectionId id, tcp::socket socket, lib::TlsStream::Side side) {
    auto link = std::make_shared<LinkSocket>(std::move(socket), id, *this, tls_.begin(side));
    sockets_.emplace(id, link);
    link->start();
}

void PairReplicator::on_dialled(tcp::socket socket) {
    const auto id = next_id_++;
    add(id, std::move(socket), lib::TlsStream::Side::client);
    engine_.on_connected(id, now());
}

void PairReplicator::on_dial_failed(std::string_view why, bool refused) {
    if (refused) return engine_.on_connect_refused(why, now());
    engine_.on_connect_failed(why, now());
}

void PairReplicator::on_bytes(ConnectionId id, std::string_view bytes) {
    engine_.on_bytes(id, bytes, now());
}

void PairReplicator::on_sent(ConnectionId id, std::size_t count) {
    engine_.on_sent(id, count, now());
}

void PairReplicator::on_closed(ConnectionId id, std::string_view why, bool in_order) {
    sockets_.erase(id);
    if (in_order) return engine_.on_end_of_stream(id, why, now());
    engine_.on_closed(id, why, now());
}

void PairReplicator::run() {
    const auto work = asio::make_work_guard(context_);
    CoreShare share;
    while (context_.run_one() > 0) {
        const auto began = std::chrono::steady_clock::now();
        const auto before = engine_.traffic();
        for (int more = 1; more < events_per_turn && context_.poll_one() > 0; ++more) {
            if (std::chrono::steady_clock::now() - began > long_turn) break;
        }
        turn();
        const bool in_step = engine_.link().state() == LinkState::linked;
        // A resync has work for many turns in a row: whoever waits for this core goes between.
        if (!in_step) std::this_thread::yield();
        // Where answers wait for the peer, nothing may rest.
        if (!in_step || gate_) continue;
        const auto after = engine_.traffic();
        const Traffic moved{after.records - before.records, after.bytes - before.bytes};
        const auto ended = std::chrono::steady_clock::now();
        if (share.is_due(ended)) share.note(thread_times(), ended);
        if (!share.is_shared()) continue;
        std::this_thread::sleep_for(rest_after(ended - began, moved));
    }
}

// Whatever happened has been told to the engine; now what it wants done is done.
void PairReplicator::turn() {
    const auto instant = now();
    actions_.clear();
    engine_.drain(instant, actions_);
    for (auto& action : actions_)
        perform(action, instant);
    arm_timer(instant);
    const bool due = instant_of(instant) >= published_at_ + report_period;
    if (due || engine_.link().state() != published_state_) publish(instant);
}

void PairReplicator::perform(Action& action, const storage::Now& instant) {
    const auto socket = sockets_.find(action.connection);
    switch (action.kind) {
        case Action::Kind::dial:
            return dialler_.dial();
        case Action::Kind::hang_up:
            return dialler_.hang_up();
        case Action::Kind::send:
            if (socket != sockets_.end()) socket->second->send(std::move(action.bytes));
            return;
        case Action::Kind::close:
            if (socket == sockets_.end()) return;
            socket->second->close();
            sockets_.erase(socket);
            return;
        case Action::Kind::reset:
            if (socket == sockets_.end()) return;
            socket->second->reset();
            sockets_.erase(socket);
            return;
        case Action::Kind::access:
            if (events_.access) events_.access(action.access);
            return;
        case Action::Kind::ready:
            publish(instant);
            if (events_.ready) events_.ready();
            return;
        case Action::Kind::drained:
            publish(instant);
            drained_.set_value();
            return;
        case Action::Kind::log:
            return log(action.line.level, action.line.text);
    }
}

// A timer that is due earlier than needed is left alone: it does no harm and is armed anew then.
void PairReplicator::arm_timer(const storage::Now& instant) {
    const auto at = engine_.deadline(instant);
    if (!at || (timer_at_ && *timer_at_ <= *at)) return;
    timer_at_ = at;
    timer_.expires_after(std::max(*at - instant_of(instant), Instant(0)));
    timer_.async_wait([this](const error_code& error) {
        if (error) return;
        timer_at_.reset();
        engine_.on_timer(now());
    });
}

// What other threads see; strings are copied, so not at every turn.
void PairReplicator::publish(const storage::Now& instant) {
    published_state_ = engine_.link().state();
    published_at_ = instant_of(instant);
    auto report = engine_.report(instant);
    const lib::MutexLock lock(report_mutex_);
    report_ = std::move(report);
}

void PairReplicator::log(LogLevel level, std::string_view line) const {
    if (events_.log) events_.log(level, line);
}

}  // namespace

std::unique_ptr<Replicator> make_pair_replicator(const Options& options, Events events,
                                                 unsigned shards) {
    return std::make_unique<PairReplicator>(options, std::move(events), shards);
}

}  // namespace twincached::replication::pair
