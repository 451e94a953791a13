#include "app/sessions/session_poller.hpp"

#include "app/process/insist.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace twincached::app {
namespace {

namespace asio = boost::asio;

// Of a line of clients who ask for much, between two looks at the others; its last turn may end a
// little later.
constexpr std::uint64_t slice_ms = 2;

// Something of it is not executed that may have been asked for elsewhere meanwhile: of everybody
// after a pause, of who has hung up after a hiccup.
bool is_overtaken(Session& session, bool was_long) noexcept {
    return session.has_unread() && (was_long || session.stream().has_hung_up());
}

// Who waited to be accepted meanwhile, is accepted within so long behind a hiccup.
constexpr std::uint64_t hiccup_ms = 100;

int create_epoll() {
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return descriptor;
}

}  // namespace

SessionPoller::SessionPoller(asio::io_context& context, SessionRegistry& registry,
                             SessionSurroundings& surroundings)
    : context_(context),
      registry_(registry),
      clock_(surroundings.clock),
      surroundings_(surroundings),
      pauses_(surroundings.pauses),
      pulse_(context),
      timeout_(context),
      epoll_(context, create_epoll()) {}

void SessionPoller::start() {
    hiccups_ = pauses_.of_hiccups();
    if (pauses_.is_needed()) beat();
    wait();
}

void SessionPoller::stop() noexcept {
    boost::system::error_code ignored;
    epoll_.close(ignored);
    timeout_.cancel();
    pulse_.cancel();
}

void SessionPoller::beat() noexcept {
    insist([this] {
        pulse_.expires_after(std::chrono::milliseconds(pauses_.pulse_ms()));
        pulse_.async_wait([this](const boost::system::error_code& error) {
            if (error || !epoll_.is_open()) return;
            end_stale();
            beat();
        });
    });
}

// A pause that is noticed in the middle of a round is dealt with at its end: meanwhile nobody has a
// turn, and no list is changed under those who go through it.
bool SessionPoller::has_paused(std::uint64_t boot_ms) noexcept {
    pauses_.runs_at(boot_ms);
    hiccups_.runs_at(boot_ms);
    return hiccups_.pauses() != hiccups_dealt_with_ || pauses_.pauses() != pauses_dealt_with_;
}

void SessionPoller::end_stale() noexcept {
    if (!has_paused(SystemClock::boot_ms())) return;
    const bool was_long = pauses_.pauses() != pauses_dealt_with_;
    pauses_dealt_with_ = pauses_.pauses();
    hiccups_dealt_with_ = hiccups_.pauses();
    if (was_long && when_paused_) when_paused_();
    registry_.for_each([this, was_long](Session& session) {
        if (!is_overtaken(session, was_long)) return;
        session.blame("stale");
        surroundings_.counters.totals.add(protocol::Count::stale_kicks);
        end(session);
    });
}

bool SessionPoller::is_stale(Session& session) const noexcept {
    const auto accepted_ms = session.client().accepted_ms;
    const bool waited = accepted_ms <= pauses_.ended_ms();
    const bool may_have_waited = accepted_ms <= hiccups_.ended_ms() + hiccup_ms;
    return (waited || may_have_waited) && is_overtaken(session, waited);
}

// Behind all others, if it has got on.
void SessionPoller::note_held(Session& session) noexcept {
    if (session.bytes().held() == 0) return session.unlink();
    if (session.is_linked() && !session.times().has_got_on()) return;
    session.unlink();
    holders_.push_back(session);
}

// Over the limit for what clients hold half done, those go first who have not got on for longest:
// so who never finishes takes nothing from those who do, whether he stops, drips or comes again,
// and however much each of them holds. Those stay who hold next to nothing: all of them together
// hold a sixteenth.
void SessionPoller::relieve() noexcept {
    const auto& memory = surroundings_.counters.memory;
    const auto next_to_nothing = memory.share() / 16;
    for (auto next = holders_.begin(); next != holders_.end() && !memory.has_room_for(0);) {
        auto& session = *next++;
        if (session.bytes().held() <= next_to_nothing) continue;
        surroundings_.counters.totals.add(session.bytes().holds_answer()
                                              ? protocol::Count::response_obj_oom
                                              : protocol::Count::read_buf_oom);
        session.blame("out_of_memory");
        end(session);
    }
}

// A line that cannot grow loses whoever came last.
template <class Line>
void SessionPoller::queue(Line& line, Session& session) noexcept {
    if (lib::has_memory_for([&] { line.push_back(&session); })) return;
    surroundings_.note_no_memory();
    session.blame("out_of_memory");
    registry_.end(session);
}

// For a turn that waits for nothing. Whoever comes here from a handler of its own, since the peer
// or a login has answered, finds the thread waiting for events, of which there may be none.
void SessionPoller::line_up(std::deque<Session*>& line, Session& session) noexcept {
    queue(line, session);
    boost::system::error_code ignored;
    if (std::exchange(waits_for_events_, false)) epoll_.cancel(ignored);
}

// It stays where it stood; epoll tells of others again.
void SessionPoller::postpone(Session& session) noexcept {
    if (session.status().waits_for(SessionAction::pause)) return line_up(paused_, session);
    if (session.status().waits_for(SessionAction::wait_for_peer)) return queue(parked_, session);
    const bool stood_in_line = session.stream().is_shaking_hands() && session.watched() == 0;
    if (stood_in_line) line_up(handshakes_, session);
}

void SessionPoller::wait() noexcept {
    insist([this] { begin_waiting(); });
}

void SessionPoller::begin_waiting() {
    const auto serve = [this](const boost::system::error_code& = {}) {
        waits_for_events_ = false;
        if (!epoll_.is_open()) return;
        serve_ready();
        serve_for_a_while(handshakes_);
        serve_for_a_while(paused_);
        end_stale();
        wait();
    };
    // Whoever paused goes on after what has been posted meanwhile, without waiting for anybody.
    if (has_waiting()) return asio::post(context_, serve);
    epoll_.async_wait(asio::posix::stream_descriptor::wait_read, serve);
    waits_for_events_ = true;
}

void SessionPoller::serve_ready() noexcept {
    const int count =
        ::epoll_wait(epoll_.native_handle(), batch_.data(), static_cast<int>(batch_.size()), 0);
    ready_ = std::span(batch_).first(static_cast<std::size_t>(std::max(count, 0)));
    while (!ready_.empty()) {
        const auto event = ready_.front();
        ready_ = ready_.subspan(1);
        if (event.data.ptr == nullptr) continue;  // it has ended since it was reported
        on_event(*static_cast<Session*>(event.data.ptr), event.events);
        relieve();
    }
}

void SessionPoller::on_event(Session& session, std::uint32_t events) noexcept {
    if (session.status().waits_for(SessionAction::pause)) return;
    const bool is_broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
    if (is_broken && session.has_input_ended()) return end(session);
    if (session.stream().is_shaking_hands()) {
        if (session.watched() == 0) return;  // it stands in line already
        watch(session, 0);
        return line_up(handshakes_, session);
    }
    const bool waits_for_others = session.status().waits_for(SessionAction::wait_for_peer) ||
                                  session.status().waits_for(SessionAction::wait_for_login) ||
                                  session.status().waits_for(SessionAction::wait_for_decision);
    if (!waits_for_others) return serve(session);
    // It is not to be told of its client again and again while it waits for something else.
    if (is_broken) return end(session);
    watch(session, 0);
}

// All of this thread's that wait for the peer; who has to wait on is parked again, in order.
void SessionPoller::serve_parked() noexcept {
    resuming_.swap(parked_);
    for (auto* session : resuming_)
        serve(*session);
    resuming_.clear();
    end_stale();
    relieve();
}

void SessionPoller::await_timeout() noexcept {
    if (awaits_timeout_ || parked_.empty()) return;
    awaits_timeout_ = true;
    const auto timeout = static_cast<std::uint64_t>(gate_->timeout().count());
    const auto ends_ms = parked_.front()->times().waits_since_ms() + timeout;
    const auto now_ms = clock_.now().steady_ms;
    timeout_.expires_after(std::chrono::milliseconds(ends_ms - std::min(ends_ms, now_ms)));
    const auto look = [this](const boost::system::error_code& error) {
        awaits_timeout_ = false;
        if (error || parked_.empty()) return;
        const auto waits_ms = clock_.now().steady_ms - parked_.front()->times().waits_since_ms();
        if (waits_ms >= static_cast<std::uint64_t>(gate_->timeout().count())) {
            gate_->time_out();
            serve_parked();
        }
        await_timeout();
    };
    insist([&] { timeout_.async_wait(look); });
}

// At least one, and no more than stand there now: who has to wait again does so behind the others.
void SessionPoller::serve_for_a_while(std::deque<Session*>& waiting) noexcept {
    const auto begun_ms = clock_.now().steady_ms;
    for (auto count = waiting.size(); count > 0 && !waiting.empty(); --count) {
        auto& session = *waiting.front();
        waiting.pop_front();
        serve(session);
        relieve();
        if (clock_.now().steady_ms >= begun_ms + slice_ms) return;
    }
}

bool SessionPoller::add(Session& session) noexcept {
    epoll_event event{};
    event.events = EPOLLIN;
    session.watched() = event.events;
    event.data.ptr = &session;
    return ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, session.client().descriptor,
                       &event) == 0;
}

void SessionPoller::watch(Session& session, std::uint32_t events) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &session;
    session.watched() = events;
    ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, session.client().descriptor, &event);
}

void SessionPoller::serve(Session& session) noexcept {
    const auto moment = clock_.moment();
    // What one who watches says is never executed, and it is not woken again before it has read.
    const bool is_watching = session.status().phase() == protocol::ConversationPhase::watching;
    if (has_paused(moment.boot_ms) && !is_watching) return postpone(session);
    const auto action = session.take_turn(moment.now);
    if (action == SessionAction::end) return registry_.end(session);
    note_held(session);
    if (action == SessionAction::wait_for_peer) {
        queue(parked_, session);
        return await_timeout();
    }
    const std::uint32_t to_read = session.has_input_ended() ? 0U : EPOLLIN;
    const std::uint32_t events = action == SessionAction::wait_for_room ? EPOLLOUT : to_read;
    if (events != session.watched()) watch(session, events);
    if (action == SessionAction::pause) line_up(paused_, session);
}

void SessionPoller::end(Session& session) noexcept {
    if (session.status().waits_for(SessionAction::pause)) std::erase(paused_, &session);
    if (session.stream().is_shaking_hands()) std::erase(handshakes_, &session);
    if (session.status().waits_for(SessionAction::wait_for_peer)) std::erase(parked_, &session);
    for (auto& event : ready_)
        if (event.data.ptr == &session) event.data.ptr = nullptr;
    registry_.end(session);
}

}  // namespace twincached::app
