#include "app/session_poller.hpp"

#include <boost/asio/post.hpp>

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace twincached::app {
namespace {

namespace asio = boost::asio;

// Turns between two looks at timers and at what other threads have posted.
constexpr std::size_t sessions_per_batch = 128;

int create_epoll() {
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return descriptor;
}

}  // namespace

SessionPoller::SessionPoller(asio::io_context& context, SessionRegistry& registry)
    : context_(context), registry_(registry), epoll_(context, create_epoll()) {}

void SessionPoller::start() {
    wait();
}

void SessionPoller::stop() noexcept {
    boost::system::error_code ignored;
    epoll_.close(ignored);
}

void SessionPoller::wait() {
    const auto serve = [this](const boost::system::error_code& error = {}) {
        if (error || !epoll_.is_open()) return;
        serve_ready();
        serve_paused();
        wait();
    };
    // Whoever paused goes on after what has been posted meanwhile, without waiting for anybody.
    if (!paused_.empty()) return asio::post(context_, serve);
    epoll_.async_wait(asio::posix::stream_descriptor::wait_read, serve);
}

void SessionPoller::serve_ready() noexcept {
    std::array<epoll_event, sessions_per_batch> events;
    const int ready =
        ::epoll_wait(epoll_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < ready; ++i) {
        auto& session = *static_cast<Session*>(events[static_cast<std::size_t>(i)].data.ptr);
        // A descriptor is reported once, and a turn ends no session but its own.
        if (session.pace() != Pace::pause) serve(session);
    }
}

void SessionPoller::serve_paused() noexcept {
    // Who pauses again does so in the next round.
    resuming_.swap(paused_);
    for (auto* session : resuming_)
        serve(*session);
    resuming_.clear();
}

bool SessionPoller::add(Session& session) noexcept {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &session;
    return ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, session.descriptor(), &event) == 0;
}

void SessionPoller::watch(Session& session, std::uint32_t events) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &session;
    ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, session.descriptor(), &event);
}

void SessionPoller::serve(Session& session) noexcept {
    const bool awaited_room = session.pace() == Pace::wait_for_room;
    const auto pace = session.take_turn();
    if (pace == Pace::end) return registry_.end(session);
    const bool awaits_room = pace == Pace::wait_for_room;
    if (awaits_room != awaited_room) watch(session, awaits_room ? EPOLLOUT : EPOLLIN);
    if (pace == Pace::pause) paused_.push_back(&session);
}

void SessionPoller::end(Session& session) noexcept {
    if (session.pace() == Pace::pause) std::erase(paused_, &session);
    registry_.end(session);
}

}  // namespace twincached::app
