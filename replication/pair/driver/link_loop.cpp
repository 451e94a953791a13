#include "replication/pair/driver/link_loop.hpp"

#include "lib/allocation.hpp"
#include "replication/pair/driver/pacing.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <new>
#include <utility>

namespace twincached::replication::pair {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int events_per_turn = 32;
constexpr std::chrono::microseconds long_turn{200};
constexpr std::chrono::milliseconds report_period{100};
// Without memory there is nothing to do but to wait until others have given some back.
constexpr std::chrono::milliseconds no_memory_rest{50};

// What is to be done to a connection, or for one; the others tell somebody something.
bool is_of_link(const Action& action) noexcept {
    switch (action.kind) {
        case Action::Kind::dial:
        case Action::Kind::hang_up:
        case Action::Kind::send:
        case Action::Kind::close:
        case Action::Kind::reset:
            return true;
        case Action::Kind::ready:
        case Action::Kind::access:
        case Action::Kind::drained:
        case Action::Kind::log:
            return false;
    }
    return false;
}

// Of the calling thread and its process. A figure is 0 where the kernel does not keep it, or there
// is no memory to read it.
CoreTimes core_times() noexcept {
    std::uint64_t ran = 0;
    std::uint64_t waited = 0;
    bool is_read = false;
    (void)lib::has_memory_for([&] {
        std::ifstream file("/proc/thread-self/schedstat");
        is_read = static_cast<bool>(file >> ran >> waited);
    });
    CoreTimes times;
    if (is_read) {
        times.ran = std::chrono::nanoseconds(ran);
        times.waited = std::chrono::nanoseconds(waited);
    }
    timespec process{};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &process);
    times.process_ran =
        std::chrono::seconds(process.tv_sec) + std::chrono::nanoseconds(process.tv_nsec);
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0) times.cores = CPU_COUNT(&cores);
    return times;
}

}  // namespace

LinkLoop::LinkLoop(Parts parts, EngineOptions options, ChangeSink& sink)
    : parts_(std::move(parts)),
      engine_(std::move(options), sink),
      sockets_(engine_, parts_.events, parts_.tls),
      dialler_(context_, {parts_.places, parts_.own, parts_.lookup, parts_.peer}, *this) {}

// --- the control thread --------------------------------------------------------------------------

void LinkLoop::start() {
    if (!parts_.places.peer.host.empty()) listener_.open(parts_.own, *parts_.places.listen.port);
    // Signals are the business of the app's thread.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    engine_.start(now());
    turn();
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "replication");
        if (parts_.events.thread_began) parts_.events.thread_began();
        run();
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void LinkLoop::drain(std::chrono::milliseconds limit) {
    asio::post(context_, [this] {
        listener_.close();
        engine_.begin_drain(now());
    });
    drained_.get_future().wait_for(limit);
}

void LinkLoop::stop() noexcept {
    if (!thread_.joinable()) return;
    context_.stop();
    thread_.join();
    sockets_.close_all();
}

// --- any thread --------------------------------------------------------------------------------

void LinkLoop::wake() {
    if (woken_.exchange(true, std::memory_order_acq_rel)) return;
    const bool is_posted = lib::has_memory_for([this] {
        asio::post(context_, [this] {
            woken_.store(false, std::memory_order_release);
            engine_.on_wake(now());
        });
    });
    if (is_posted) return;
    woken_.store(false, std::memory_order_release);
    throw std::bad_alloc();
}

void LinkLoop::set_on_split(OnSplit policy) {
    asio::post(context_, [this, policy] { engine_.set_on_split(policy, now()); });
}

void LinkLoop::set_arbitration(storage::Arbitration mode) {
    asio::post(context_, [this, mode] { engine_.set_arbitration(mode); });
}

void LinkLoop::set_legacy(LegacyOptions options) {
    asio::post(context_, [this, options] { engine_.set_legacy(options, now()); });
}

void LinkLoop::take(Order order) {
    asio::post(context_, [this, order] { engine_.take(order, now()); });
}

void LinkLoop::use_secrets(const Secrets& secrets) {
    asio::post(context_, [this, secrets] { engine_.use_secrets(secrets.current, secrets.old); });
}

LinkReport LinkLoop::report() const {
    const lib::MutexLock lock(report_mutex_);
    return report_;
}

// --- the replication thread ----------------------------------------------------------------------

void LinkLoop::on_call(tcp::socket socket, const asio::ip::address& from) {
    const bool is_known = is_from_peer(from);
    if (!may_call(is_known, from)) return;
    sockets_.add_accepted(std::move(socket), is_known);
    // Those that give way to it are closed before more come in.
    if (sockets_.size() > Connections::connection_limit) turn();
}

void LinkLoop::on_call_lost(std::string_view why) {
    ++lost_calls_;
    if (!lost_call_lines_.allows(now().steady_ms)) return;
    const auto count = std::exchange(lost_calls_, 0);
    const auto others =
        count > 1 ? "; " + std::to_string(count) + " times since the last such line" : "";
    log(LogLevel::warning, "the link cannot accept: " + std::string(why) + others);
}

bool LinkLoop::is_from_peer(const asio::ip::address& from) const {
    const auto& known = dialler_.addresses();
    return std::find(known.begin(), known.end(), from) != known.end();
}

// Without a secret the peer is known by its address alone.
bool LinkLoop::may_call(bool is_from_peer, const asio::ip::address& from) {
    if (parts_.has_secret || is_from_peer) return true;
    engine_.on_turned_away("it is not the address of the peer", now(), from.to_string());
    return false;
}

// Only now may an address tell which of the two this node is.
bool LinkLoop::may_dial(const Addresses& peer) {
    if (is_decided(engine_.node())) return true;
    const auto node = find_node(parts_.configured_node, parts_.places, parts_.own, peer);
    if (node.has_error() || !is_decided(*node)) return false;
    engine_.decide_node(*node, "by the peer's address, which is known now");
    return true;
}

void LinkLoop::on_dialled(tcp::socket socket) {
    sockets_.add_dialled(std::move(socket));
}

void LinkLoop::on_dial_failed(std::string_view why, bool refused) {
    engine_.on_connect_failed({why, refused}, now());
}

void LinkLoop::run() {
    const auto work = asio::make_work_guard(context_);
    while (!context_.stopped()) {
        if (lib::has_memory_for([this] { serve(); })) return;
        start_over();
        std::this_thread::sleep_for(no_memory_rest);
    }
}

// Whatever was under way has stopped somewhere: the sockets, the engine's connections and the timer
// begin from nothing. The other end hears of it at once, and not as of a process that has ended.
// What was to be told is told as soon as there is memory.
void LinkLoop::start_over() noexcept {
    sockets_.reset_all();
    dialler_.hang_up();
    timer_.cancel();
    timer_at_.reset();
    const auto done = actions_.begin() + static_cast<std::ptrdiff_t>(performed_);
    actions_.erase(actions_.begin(), done);
    std::erase_if(actions_, is_of_link);
    performed_ = 0;
    engine_.on_no_memory(now());
}

void LinkLoop::serve() {
    listener_.go_on();
    turn();
    CoreShare share;
    while (context_.run_one() > 0) {
        const auto began = std::chrono::steady_clock::now();
        const auto before = engine_.exchange().traffic();
        for (int more = 1; more < events_per_turn && context_.poll_one() > 0; ++more) {
            if (std::chrono::steady_clock::now() - began > long_turn) break;
        }
        turn();
        const bool in_step = engine_.link().state() == LinkState::linked;
        // A resync has work for many turns in a row: whoever waits for this core goes between.
        if (!in_step) std::this_thread::yield();
        // Where answers wait for the peer, nothing may rest.
        if (!in_step || parts_.answers_wait || engine_.arbitrates()) continue;
        const auto after = engine_.exchange().traffic();
        const Traffic moved{after.records - before.records, after.bytes - before.bytes};
        const auto ended = std::chrono::steady_clock::now();
        if (share.is_due(ended)) share.note(core_times(), ended);
        if (share.use() == CoreUse::own) continue;
        std::this_thread::sleep_for(rest_after(ended - began, moved, share.use()));
    }
}

// Whatever happened has been told to the engine; now what it wants done is done.
void LinkLoop::turn() {
    const auto instant = now();
    engine_.drain(instant, actions_);
    perform_all(instant);
    const auto change = engine_.take_role_change();
    const bool due = instant_of(instant) >= published_at_ + report_period;
    if (due || change || engine_.link().state() != published_state_) publish(instant);
    if (change && parts_.events.role_changed) parts_.events.role_changed(*change);
    sockets_.go_on();
    arm_timer(instant);
}

void LinkLoop::perform_all(const storage::Now& instant) {
    for (; performed_ < actions_.size(); ++performed_)
        perform(actions_[performed_], instant);
    actions_.clear();
    performed_ = 0;
}

void LinkLoop::perform(Action& action, const storage::Now& instant) {
    switch (action.kind) {
        case Action::Kind::dial:
            return dialler_.dial();
        case Action::Kind::hang_up:
            return dialler_.hang_up();
        case Action::Kind::send:
            return sockets_.send(action.connection, std::move(action.bytes));
        case Action::Kind::close:
            return sockets_.close(action.connection);
        case Action::Kind::reset:
            return sockets_.reset(action.connection);
        case Action::Kind::access:
            if (parts_.events.access) parts_.events.access(action.access);
            return;
        case Action::Kind::ready:
            publish(instant);
            if (parts_.events.ready) parts_.events.ready();
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
void LinkLoop::arm_timer(const storage::Now& instant) {
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

// What other threads see; strings are copied, so not at every turn. Without memory for them the
// last report stands.
void LinkLoop::publish(const storage::Now& instant) noexcept {
    published_state_ = engine_.link().state();
    published_at_ = instant_of(instant);
    (void)lib::has_memory_for([&] {
        auto report = engine_.report(instant);
        const lib::MutexLock lock(report_mutex_);
        report_ = std::move(report);
    });
}

// A line that finds no memory is no reason to do anything else otherwise.
void LinkLoop::log(LogLevel level, std::string_view line) const noexcept {
    if (!parts_.events.log) return;
    (void)lib::has_memory_for([&] { parts_.events.log(level, line); });
}

}  // namespace twincached::replication::pair
