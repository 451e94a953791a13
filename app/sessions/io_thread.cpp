#include "app/sessions/io_thread.hpp"

#include "app/process/insist.hpp"
#include "app/process/scheduling.hpp"

#include <boost/asio/post.hpp>

#include <pthread.h>

#include <algorithm>
#include <span>
#include <string>

namespace twincached::app {
namespace {

namespace asio = boost::asio;
using std::chrono::seconds;

constexpr seconds longest_pause{30};
// Clients wait for these threads; the maintenance and the peer link work for longer at a time.
constexpr std::chrono::microseconds slice{100};

// A timeout is kept to within a quarter of itself.
seconds sweep_period(std::span<const seconds> timeouts) noexcept {
    auto period = longest_pause;
    for (const auto timeout : timeouts) {
        if (timeout.count() > 0) period = std::min(period, timeout / 4);
    }
    return std::max(period, seconds(1));
}

// Each thread has its part; where there is a limit, none may become 0, which means that there is
// none.
std::uint64_t share_of(std::uint64_t bytes, std::size_t threads) noexcept {
    return bytes == 0 ? 0 : std::max<std::uint64_t>(bytes / threads, 1);
}

// What is looked at once a second at most.
seconds whole_seconds(std::chrono::milliseconds duration) noexcept {
    return std::chrono::ceil<seconds>(duration);
}

std::int64_t steady_nanoseconds() noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace

// What is posted here is told once.
template <class Task>
void IoThread::post(Task task) noexcept {
    insist([&] { asio::post(context_, task); });
}

IoThread::IoThread(std::size_t number, const IoPoolOptions& options, protocol::Service& service,
                   const SystemClock& clock, ConnectionLimit& limit)
    : number_(number),
      arbiter_(options.arbiter),
      idle_timeout_(whole_seconds(options.sessions.idle_timeout)),
      write_timeout_(whole_seconds(options.sessions.write_timeout)),
      request_timeout_(whole_seconds(options.sessions.request_timeout)),
      login_timeout_(whole_seconds(options.sessions.login_timeout)),
      handshake_timeout_(options.tls != nullptr ? whole_seconds(options.tls->handshake_timeout())
                                                : seconds(0)),
      work_(context_.get_executor()),
      sweep_timer_(context_),
      registry_(limit),
      watching_(context_,
                [this](Session& session) {
                    const bool may_go_on =
                        session.status().waits_for(SessionAction::wait_for_input) ||
                        session.status().waits_for(SessionAction::wait_for_login) ||
                        (session.status().waits_for(SessionAction::wait_for_decision) &&
                         session.is_decided());
                    if (may_go_on) poller_.serve(session);
                }),
      surroundings_{service, counters_, clock, buffers_, &watching_, options.tls, options.gate},
      poller_(context_, registry_, surroundings_) {
    surroundings_.pauses =
        lib::PauseDetector(static_cast<std::uint64_t>(options.pause_limit.count()));
    poller_.set_paused([this] {
        for (auto& server : datagrams_)
            (void)server->drop_stale();
    });
    counters_.memory.set_limit(
        share_of(options.sessions.buffer_memory_bytes, options.sessions.threads));
    counters_.times.set_clock(steady_nanoseconds);
    if (arbiter_ != nullptr) {
        const auto waiter = arbiter_->add_waiter([this] { watching_.wake(); });
        surroundings_.arbiter_waiter = static_cast<std::uint16_t>(waiter);
        watching_.set_noticed([this, waiter] { arbiter_->look(waiter); });
    }
    if (options.gate == nullptr) return;
    poller_.set_gate(options.gate);
    surroundings_.waiter =
        options.gate->add_waiter([this] { post([this] { poller_.serve_parked(); }); });
}

IoThread::~IoThread() {
    ask_to_stop();
    join();
}

void IoThread::start() {
    const auto all = timeouts();
    if (std::any_of(all.begin(), all.end(), [](auto one) { return one.count() > 0; }))
        sweep_later();
    poller_.start();
    thread_ = std::thread([this] { run(); });
}

void IoThread::run() {
    pthread_setname_np(pthread_self(), ("io-" + std::to_string(number_)).c_str());
    ask_for_short_slices(slice);
    // What one client, or a datagram, has asked for is lost with it; all else goes on.
    while (!lib::has_memory_for([this] { context_.run(); }))
        surroundings_.note_no_memory();
    if (arbiter_ != nullptr) arbiter_->retire(surroundings_.arbiter_waiter);
}

// A client whose way to this thread finds no memory is the acceptor's again.
void IoThread::take(const NewClient& client) {
    asio::post(context_, [this, client] {
        poller_.end_stale();
        auto* session = registry_.begin(surroundings_, client);
        if (session == nullptr) return;
        const bool is_stale = poller_.is_stale(*session);
        if (is_stale) counters_.totals.add(protocol::Count::stale_kicks);
        if (is_stale || !poller_.add(*session)) registry_.end(*session);
    });
}

void IoThread::serve_datagrams(int descriptor) {
    post([this, descriptor] {
        datagrams_.push_back(std::make_unique<DatagramServer>(context_, descriptor, surroundings_));
        datagrams_.back()->start();
    });
}

void IoThread::drain() {
    post([this] {
        for (auto& server : datagrams_)
            server->stop();
    });
    disconnect();
}

void IoThread::disconnect() {
    post([this] {
        registry_.for_each([this](Session& session) {
            session.drain();
            // One more look at what has arrived; whoever is in the middle of something goes on.
            if (session.status().waits_for(SessionAction::wait_for_input)) poller_.serve(session);
        });
    });
}

void IoThread::ask_to_stop() {
    if (!thread_.joinable()) return;
    post([this] {
        end_all();
        poller_.stop();
        for (auto& server : datagrams_)
            server->stop();
        sweep_timer_.cancel();
        work_.reset();
    });
}

void IoThread::end_all() noexcept {
    registry_.for_each([this](Session& session) {
        session.blame("shutdown");
        poller_.end(session);
    });
}

void IoThread::join() noexcept {
    if (thread_.joinable()) thread_.join();
}

void IoThread::sweep_later() noexcept {
    sweep_timer_.expires_after(sweep_period(timeouts()));
    const auto look = [this](const boost::system::error_code& error) {
        if (error || !work_.owns_work()) return;
        sweep();
        sweep_later();
    };
    insist([&] { sweep_timer_.async_wait(look); });
}

IoThread::Timeouts IoThread::timeouts() const noexcept {
    return {idle_timeout_, write_timeout_, request_timeout_, login_timeout_, handshake_timeout_};
}

void IoThread::sweep() noexcept {
    const auto now = surroundings_.clock.now().tick();
    registry_.for_each([&](Session& session) { look_at(session, now); });
}

// Ends a session that has made us wait for too long.
void IoThread::look_at(Session& session, storage::Tick now) noexcept {
    const auto is_over = [now](seconds limit, storage::Tick since) {
        return limit.count() > 0 && now - std::min(now, since) >= limit.count();
    };
    const auto end = [&](const char* reason) {
        session.blame(reason);
        poller_.end(session);
    };
    const auto& times = session.times();
    // A handshake is no activity, so it is measured from its beginning.
    if (session.stream().is_shaking_hands()) {
        if (!is_over(handshake_timeout_, times.last_active())) return;
        session.stream().give_handshake_up(now);
        return end("handshake_timeout");
    }
    if (session.status().waits_for(SessionAction::wait_for_room)) {
        if (!is_over(write_timeout_, std::max(times.last_active(), times.last_taken()))) return;
        counters_.totals.add(protocol::Count::write_timeouts);
        return end("write_timeout");
    }
    if (session.status().waits_for(SessionAction::wait_for_login)) {
        if (!is_over(login_timeout_, times.last_active())) return;
        counters_.totals.add(protocol::Count::auth_timeouts);
        return end("login_timeout");
    }
    if (session.status().phase() == protocol::ConversationPhase::watching) return;
    if (is_over(idle_timeout_, times.last_active())) {
        counters_.totals.add(protocol::Count::idle_kicks);
        return end("idle_timeout");
    }
    const bool is_in_request = session.status().phase() != protocol::ConversationPhase::idle;
    if (is_in_request && is_over(request_timeout_, times.request_since())) {
        counters_.totals.add(protocol::Count::request_timeouts);
        end("request_timeout");
    }
}

}  // namespace twincached::app
