#include "replication/nats/driver/nats_loop.hpp"

#include "lib/allocation.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <new>
#include <utility>

namespace twincached::replication::nats {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds report_period{100};
// Without memory there is nothing to do but to wait until others have given some back.
constexpr std::chrono::milliseconds no_memory_rest{50};

}  // namespace

NatsLoop::NatsLoop(Parts parts, ClusterSink& sink)
    : parts_(std::move(parts)),
      link_(context_, parts_.access, parts_.broker, *this),
      engine_(parts_.cluster, sink, link_.broker(), *this) {}

// --- the control thread --------------------------------------------------------------------------

void NatsLoop::start() {
    // Signals are the business of the app's thread.
    sigset_t all;
    sigset_t before_it;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_it);
    (void)before();
    engine_.start();
    after();
    link_.start(engine_);
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "replication");
        if (parts_.events.thread_began) parts_.events.thread_began();
        run();
    });
    pthread_sigmask(SIG_SETMASK, &before_it, nullptr);
}

void NatsLoop::drain(std::chrono::milliseconds limit) {
    asio::post(context_, [this] {
        (void)before();
        is_draining_ = true;
        engine_.begin_drain();
        after();
    });
    drained_.get_future().wait_for(limit);
}

void NatsLoop::stop() noexcept {
    if (!thread_.joinable()) return;
    context_.stop();
    thread_.join();
    link_.stop();
}

// --- any thread ----------------------------------------------------------------------------------

void NatsLoop::wake() {
    if (woken_.exchange(true, std::memory_order_acq_rel)) return;
    const bool is_posted = lib::has_memory_for([this] {
        asio::post(context_, [this] {
            woken_.store(false, std::memory_order_release);
            (void)before();
            engine_.on_wake();
            after();
        });
    });
    if (is_posted) return;
    woken_.store(false, std::memory_order_release);
    throw std::bad_alloc();
}

void NatsLoop::resync() {
    asio::post(context_, [this] {
        (void)before();
        engine_.resync();
        after();
    });
}

void NatsLoop::use(BrokerAccess access) {
    asio::post(context_, [this, access = std::move(access)] {
        (void)before();
        link_.use(access);
        after();
    });
}

NodeReport NatsLoop::report() const {
    const lib::MutexLock lock(report_mutex_);
    return report_;
}

// --- the replication thread ----------------------------------------------------------------------

void NatsLoop::run() {
    const auto work = asio::make_work_guard(context_);
    while (!context_.stopped()) {
        if (lib::has_memory_for([this] { context_.run(); })) return;
        start_over();
        std::this_thread::sleep_for(no_memory_rest);
    }
}

// Whatever was under way has stopped somewhere: another connection begins from nothing.
void NatsLoop::start_over() noexcept {
    timer_at_.reset();
    (void)lib::has_memory_for([this] {
        (void)before();
        link_.start_over();
        after();
    });
}

BrokerLink::Instant NatsLoop::before() {
    const auto now = parts_.events.now();
    now_ = BrokerLink::Instant(now.steady_ms);
    engine_.at(now);
    return now_;
}

void NatsLoop::after() {
    if (has_news_ || now_ >= published_at_ + report_period) publish();
    arm_timer();
}

void NatsLoop::on_timer() {
    const auto now = before();
    link_.on_timer(now);
    engine_.on_timer();
    after();
}

// A timer that is due earlier than needed is left alone: it does no harm and is armed anew then.
// While nothing happens the report is renewed all the same: how old things are is told by it.
void NatsLoop::arm_timer() {
    auto at = now_ + report_period;
    at = std::min(at, engine_.deadline());
    if (const auto due = link_.broker().deadline()) at = std::min(at, *due);
    if (timer_at_ && *timer_at_ <= at) return;
    timer_at_ = at;
    timer_.expires_after(std::max(at - now_, BrokerLink::Instant(0)));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        timer_at_.reset();
        on_timer();
    });
}

// What other threads see; strings are copied, so not after each event. Without memory for them the
// last report stands.
void NatsLoop::publish() noexcept {
    published_at_ = now_;
    has_news_ = false;
    (void)lib::has_memory_for([this] {
        NodeReport report{engine_.report(), link_.facts(), static_cast<std::uint64_t>(now_.count()),
                          is_draining_};
        const lib::MutexLock lock(report_mutex_);
        report_ = std::move(report);
    });
}

// A line that finds no memory is no reason to do anything else otherwise. What is worth one is
// worth a report, too. A broker that comes and goes all the time does not fill the log.
void NatsLoop::log(LogLevel level, std::string_view text) {
    has_news_ = true;
    if (!parts_.events.log) return;
    (void)lib::has_memory_for([&] {
        pair::LogLine line{level, std::string(text)};
        if (line_limits_.admits(line, now_)) parts_.events.log(level, line.text);
    });
}

void NatsLoop::ready() {
    publish();
    if (parts_.events.ready) parts_.events.ready();
}

void NatsLoop::drained() {
    publish();
    drained_.set_value();
}

}  // namespace twincached::replication::nats
