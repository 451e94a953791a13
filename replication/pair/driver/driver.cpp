#include "replication/pair/driver/driver.hpp"

#include "lib/mutex.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/driver/driver_addresses.hpp"
#include "replication/pair/driver/driver_options.hpp"
#include "replication/pair/driver/driver_socket.hpp"
#include "replication/pair/driver/driver_tls.hpp"
#include "replication/pair/driver/pacing.hpp"
#include "replication/pair/link/engine.hpp"
#include "replication/pair/link/pair_stats.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace twincached::replication::pair {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t read_space_bytes = 256U << 10;
constexpr int accept_backlog = 64;
// When no connection can be accepted (too many open files) the acceptor rests for so long.
constexpr std::chrono::milliseconds accept_rest{200};
constexpr int events_per_turn = 32;
constexpr std::chrono::microseconds long_turn{200};
constexpr std::chrono::milliseconds report_period{100};

unsigned node_of(const Options& options, const Addresses& peer) {
    const bool alone = options.peer_host.empty() && options.node.empty();
    return alone ? node_a : find_node(options, peer);
}

AckGate* make_gate(std::optional<AckGate>& gate, const Options& options, unsigned shards) {
    if (!options.ack_received || options.peer_host.empty()) return nullptr;
    return &gate.emplace(shards, options.ack);
}

// The members below the line are touched by the replication thread alone once it runs.
class PairReplicator final : public Replicator, public LinkSocket::Owner {
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
    void use_tls(std::shared_ptr<const lib::TlsContext> tls) override { tls_.exchange(tls); }
    void stats(lib::FigureVisitor visit) const override;

  private:
    void on_bytes(ConnectionId id, std::string_view bytes) override;
    void on_sent(ConnectionId id, std::size_t count) override;
    void on_closed(ConnectionId id, std::string_view why, bool in_order) override;
    std::span<char> read_space() noexcept override { return read_space_; }

    void wake();
    void open_listener();
    void accept();
    void on_accept(const error_code& error, tcp::socket socket);
    bool may_call(const asio::ip::address& from);
    void add(ConnectionId id, tcp::socket socket, lib::TlsStream::Side side);
    void dial();
    void resolve();
    void dial_next_address();
    void hang_up();
    void on_dialled(std::uint64_t dial, const error_code& error);
    void run();
    void turn();
    void perform(Action& action, const storage::Now& instant);
    void arm_timer(const storage::Now& instant);
    void publish(const storage::Now& instant);
    storage::Now now() const { return events_.now(); }
    void log(LogLevel level, std::string_view line) const;

    const Options options_;
    const Events events_;
    Addresses peer_addresses_;  // as last resolved
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
    tcp::acceptor acceptor_{context_};
    asio::steady_timer accept_timer_{context_};
    asio::steady_timer timer_{context_};
    std::optional<Instant> timer_at_;
    tcp::resolver resolver_{context_};
    bool resolving_ = false;
    bool dial_waits_for_name_ = false;
    std::optional<tcp::socket> dialling_;
    std::uint64_t dials_ = 0;
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
      peer_addresses_(options.peer_host.empty() ? Addresses{} : resolve_now(options.peer_host)),
      node_(node_of(options, peer_addresses_)),
      listen_address_(specific_listen_address(options)),
      tls_(options.tls),
      sink_(shards, options.log_memory_bytes, make_gate(gate_, options, shards)),
      engine_(engine_options(options, node_), sink_) {
    sink_.set_wake([this] { wake(); });
}

// --- the control thread --------------------------------------------------------------------------

void PairReplicator::start(storage::Store& store) {
    engine_.attach(store);
    if (!options_.peer_host.empty()) {
        open_listener();
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
        error_code ignored;
        acceptor_.close(ignored);
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

void PairReplicator::open_listener() {
    auto address = listen_address_.value_or(asio::ip::address_v6::any());
    error_code error;
    acceptor_.open(tcp::endpoint(address, 0).protocol(), error);
    if (error && !listen_address_) {  // a system without IPv6
        address = asio::ip::address_v4::any();
        acceptor_.open(tcp::v4());
    } else if (error) {
        throw std::system_error(error, "the link's socket");
    }
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    if (address.is_v6()) acceptor_.set_option(asio::ip::v6_only(listen_address_.has_value()));
    acceptor_.bind({address, options_.listen_port}, error);
    if (!error) acceptor_.listen(accept_backlog, error);
    if (error) {
        throw std::system_error(
            error, "the link cannot listen on " + text_of(address, options_.listen_port));
    }
    accept();
}

void PairReplicator::accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) return;
        on_accept(error, std::move(socket));
    });
}

void PairReplicator::on_accept(const error_code& error, tcp::socket socket) {
    if (error) {
        log(LogLevel::warning, "the link cannot accept: " + error.message());
        accept_timer_.expires_after(accept_rest);
        accept_timer_.async_wait([this](const error_code& stopped) {
            if (!stopped) accept();
        });
        return;
    }
    error_code unknown;
    const auto from = socket.remote_endpoint(unknown);
    if (!unknown && may_call(plain(from.address()))) {
        const auto id = next_id_++;
        add(id, std::move(socket), lib::TlsStream::Side::server);
        engine_.on_accepted(id, now());
    }
    if (acceptor_.is_open()) accept();
}

// Without a secret the peer is known by its address alone.
bool PairReplicator::may_call(const asio::ip::address& from) {
    if (!options_.secret.empty()) return true;
    const auto& known = peer_addresses_;
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

// A name is resolved anew at each dial. One that was known before is dialled at once, so that a
// slow name service does not slow the link down; the next dial knows the answer.
void PairReplicator::dial() {
    dial_waits_for_name_ = peer_addresses_.empty();
    if (!dial_waits_for_name_) dial_next_address();
    resolve();
}

void PairReplicator::resolve() {
    if (std::exchange(resolving_, true)) return;
    error_code name;
    asio::ip::make_address(options_.peer_host, name);
    if (!name) return;  // an address; nothing to resolve, ever
    resolver_.async_resolve(
        options_.peer_host, "", [this](const error_code& error, const auto& entries) {
            resolving_ = false;
            if (error == asio::error::operation_aborted) return;
            if (!error) {
                peer_addresses_.clear();
                for (const auto& entry : entries) {
                    peer_addresses_.push_back(plain(entry.endpoint().address()));
                }
            }
            if (!std::exchange(dial_waits_for_name_, false)) return;
            if (!error) return dial_next_address();
            engine_.on_connect_failed("the peer's name does not resolve: " + error.message(),
                                      now());
        });
}

void PairReplicator::dial_next_address() {
    const auto dial = ++dials_;
    const auto& address = peer_addresses_[dial % peer_addresses_.size()];
    const tcp::endpoint there(address, options_.peer_port);
    error_code error;
    dialling_.emplace(context_);
    dialling_->open(there.protocol(), error);
    // The peer knows this node by the address that it listens on.
    const bool bind = listen_address_ && listen_address_->is_v4() == address.is_v4();
    if (!error && bind) dialling_->bind({*listen_address_, 0}, error);
    if (error) {
        asio::post(context_, [this, dial, error] { on_dialled(dial, error); });
        return;
    }
    dialling_->async_connect(there, [this, dial](const error_code& result) {
        if (result != asio::error::operation_aborted) on_dialled(dial, result);
    });
}

void PairReplicator::hang_up() {
    dialling_.reset();
    dial_waits_for_name_ = false;
}

void PairReplicator::on_dialled(std::uint64_t dial, const error_code& error) {
    if (!dialling_ || dial != dials_) return;  // it was given up meanwhile
    auto socket = std::move(*dialling_);
    dialling_.reset();
    if (error) {
        const auto why = "the peer cannot be reached: " + error.message();
        // One of several addresses may be that of another host.
        const bool refused =
            error == asio::error::connection_refused && peer_addresses_.size() == 1;
        if (refused) return engine_.on_connect_refused(why, now());
        engine_.on_connect_failed(why, now());
    } else {
        const auto id = next_id_++;
        add(id, std::move(socket), lib::TlsStream::Side::client);
        engine_.on_connected(id, now());
    }
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
        std::this_thread::sleep_for(rest_after(std::chrono::steady_clock::now() - began, moved));
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
            return dial();
        case Action::Kind::hang_up:
            return hang_up();
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
