#include "app/io_thread.hpp"

#include <boost/asio/post.hpp>

#include <pthread.h>

#include <algorithm>
#include <initializer_list>
#include <string>

namespace twincached::app {
namespace {

namespace asio = boost::asio;
using std::chrono::seconds;

constexpr seconds longest_pause{30};

// A timeout is kept to within a quarter of itself.
seconds sweep_period(std::initializer_list<seconds> timeouts) noexcept {
    auto period = longest_pause;
    for (const auto timeout : timeouts) {
        if (timeout.count() > 0) period = std::min(period, timeout / 4);
    }
    return std::max(period, seconds(1));
}

}  // namespace

IoThread::IoThread(std::size_t number, const IoPoolOptions& options, protocol::Service& service,
                   const SystemClock& clock, ConnectionLimit& limit, std::function<void()> on_room)
    : number_(number),
      idle_timeout_(options.idle_timeout),
      write_timeout_(options.write_timeout),
      handshake_timeout_(options.tls != nullptr ? options.handshake_timeout : seconds(0)),
      work_(context_.get_executor()),
      sweep_timer_(context_),
      registry_(limit, std::move(on_room)),
      watching_(context_, [this](Session& session) { poller_.serve(session); }),
      surroundings_{service, counters_, clock, buffers_, &watching_, options.tls},
      poller_(context_, registry_) {}

IoThread::~IoThread() {
    ask_to_stop();
    join();
}

void IoThread::start() {
    if (idle_timeout_.count() > 0 || write_timeout_.count() > 0 || handshake_timeout_.count() > 0) {
        sweep_later();
    }
    poller_.start();
    thread_ = std::thread([this] { run(); });
}

void IoThread::run() {
    pthread_setname_np(pthread_self(), ("io-" + std::to_string(number_)).c_str());
    context_.run();
}

void IoThread::take(const NewClient& client) {
    asio::post(context_, [this, client] {
        auto* session = registry_.begin(surroundings_, client);
        if (session != nullptr && !poller_.add(*session)) registry_.end(*session);
    });
}

void IoThread::serve_datagrams(int descriptor) {
    asio::post(context_, [this, descriptor] {
        datagrams_.push_back(std::make_unique<DatagramServer>(context_, descriptor, surroundings_));
        datagrams_.back()->start();
    });
}

void IoThread::drain() {
    asio::post(context_, [this] {
        for (auto& server : datagrams_)
            server->stop();
        registry_.for_each([this](Session& session) {
            session.drain();
            // One more look at what has arrived; whoever is in the middle of something goes on.
            if (session.pace() == Pace::wait_for_input) poller_.serve(session);
        });
    });
}

void IoThread::ask_to_stop() {
    if (!thread_.joinable()) return;
    asio::post(context_, [this] {
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

void IoThread::sweep_later() {
    sweep_timer_.expires_after(sweep_period({idle_timeout_, write_timeout_, handshake_timeout_}));
    sweep_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || !work_.owns_work()) return;
        sweep();
        sweep_later();
    });
}

void IoThread::sweep() noexcept {
    const auto now = surroundings_.clock.now().tick();
    registry_.for_each([&](Session& session) {
        const bool is_writing = session.pace() == Pace::wait_for_room;
        if (!is_writing && session.phase() == protocol::Phase::watching) return;
        // A handshake is no activity, so it is measured from its beginning.
        const bool is_shaking_hands = session.is_shaking_hands();
        const auto limit = is_shaking_hands ? handshake_timeout_
                           : is_writing     ? write_timeout_
                                            : idle_timeout_;
        const auto silent = now - std::min(now, session.last_active());
        if (limit.count() == 0 || silent < limit.count()) return;
        if (is_shaking_hands) {
            session.give_handshake_up(now);
        } else if (!is_writing) {
            counters_.totals.add(protocol::Count::idle_kicks);
        }
        const bool is_slow = is_writing || is_shaking_hands;
        session.blame(is_slow ? "write_timeout" : "idle_timeout");
        poller_.end(session);
    });
}

}  // namespace twincached::app
