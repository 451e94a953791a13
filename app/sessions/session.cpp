#include "app/sessions/session.hpp"

#include "app/listeners/listening_socket.hpp"
#include "lib/allocation.hpp"
#include "protocol/observation/watch_events.hpp"

#include <algorithm>
#include <array>
#include <new>

namespace twincached::app {
namespace {

// What a read must find room for, however much waits in the buffer already.
constexpr std::size_t least_room = SessionBuffers::read_size / 4;
// While nothing waits there, not more is read at once: it may be the head of a large value, and
// what is read after it goes straight to its place. Where a request is half here, as most of a full
// pipeline's reads leave one, all that there is room for.
constexpr std::size_t first_read = 16 * 1024;
// Of a large value, in one read: a socket may hold megabytes.
constexpr std::size_t value_read_limit = 256 * 1024;
// What one client is sent in a turn, if it takes it: the kernel copies so much in less than a
// millisecond. More would be the others' time.
constexpr std::size_t written_per_turn = 1024 * 1024;

std::unique_ptr<TlsChannel> channel_for(const SessionSurroundings& surroundings,
                                        const NewClient& client) {
    if (client.tls == ListenerTls::none) return nullptr;
    return std::make_unique<TlsChannel>(client.descriptor, client.tls, *surroundings.tls,
                                        surroundings.counters);
}

// Without a reason: it has come.
void tell_watchers(protocol::WatchLog& log, const NewClient& client, std::string_view reason) {
    if (!log.wants(protocol::WatchTopic::connevents)) return;
    const auto& address = client.address;
    const bool is_local = address.family == ClientAddress::Family::local;
    const bool is_known = address.family != ClientAddress::Family::none;
    const auto host = is_known && !is_local ? address.host() : std::string("-");
    const protocol::ConnectionEvent event{host, address.port, is_local ? "local" : "tcp",
                                          client.descriptor};
    if (reason.empty()) {
        tell_connected(log, event);
    } else {
        tell_disconnected(log, event, reason);
    }
}

// Without memory for the line, nobody is told.
void tell_if_possible(protocol::Service& service, const NewClient& client,
                      std::string_view reason = {}) noexcept {
    auto& log = service.shared().observation.watch_log;
    (void)lib::has_memory_for([&] { tell_watchers(log, client, reason); });
}

}  // namespace

Session::Session(SessionSurroundings& surroundings, const NewClient& client)
    : surroundings_(surroundings),
      client_(client),
      conversation_(surroundings.service, surroundings.counters,
                    protocol::ClientOrigin{surroundings.watching, client.descriptor, false,
                                           surroundings.arbiter_waiter}),
      stream_(client.descriptor, channel_for(surroundings, client)),
      times_(surroundings.clock.now().tick()) {
    tell_if_possible(surroundings_.service, client_);
}

Session::~Session() {
    bytes_.count_nothing(surroundings_.counters.memory);
    if (is_listed_) list(false);
    tell_if_possible(surroundings_.service, client_, end_reason_);
}

SessionAction Session::take_turn(const storage::Now& now) noexcept {
    status_.begin_turn();
    auto action = SessionAction::end;
    try {
        action = run_turn(now);
    } catch (const std::bad_alloc&) {
        // The client is closed: nobody else is hurt by what it asked for.
        surroundings_.note_no_memory();
        end_reason_ = "out_of_memory";
    }
    status_.end_turn(conversation_.phase(), action);
    return action;
}

SessionAction Session::run_turn(const storage::Now& now) {
    written_in_turn_ = 0;
    stream_.begin_turn(surroundings_.buffers, now.tick());
    bytes_.borrow(surroundings_.buffers);
    auto action = machine_.begin_turn(pending_output());
    while (!ends_turn(action))
        action = perform(action, now);
    // What a handshake had to say and could not.
    if (action == SessionAction::wait_for_input && stream_.has_unsent()) {
        action = SessionAction::wait_for_room;
    }
    stream_.end_turn(surroundings_.buffers);
    bytes_.give_back(surroundings_.buffers);
    times_.end_turn(conversation_.finished_requests(), conversation_.at_boundary(), now.tick());
    if (exceeds_memory() && action != SessionAction::end) {
        surroundings_.counters.totals.add(bytes_.has_output() ? protocol::Count::response_obj_oom
                                                              : protocol::Count::read_buf_oom);
        end_reason_ = "out_of_memory";
        return SessionAction::end;
    }
    return action == SessionAction::wait_for_input && may_end_now() ? SessionAction::end : action;
}

SessionAction Session::perform(SessionAction action, const storage::Now& now) {
    switch (action) {
        case SessionAction::read:
            return machine_.resume(read(now));
        case SessionAction::advance:
            return advance(now);
        case SessionAction::confirm:
            return machine_.resume(confirm(now));
        case SessionAction::write:
            return machine_.resume(write());
        case SessionAction::wait_for_input:
        case SessionAction::wait_for_room:
        case SessionAction::wait_for_peer:
        case SessionAction::wait_for_login:
        case SessionAction::wait_for_decision:
        case SessionAction::pause:
        case SessionAction::end:
            break;
    }
    return action;
}

SessionEvent Session::read(const storage::Now& now) {
    if (input_has_ended_) return SessionEvent::lines_may_wait;
    const auto target = conversation_.value_target();
    if (!target.empty()) return read_value(target, now);
    auto* into = bytes_.input().prepare(least_room);
    const auto writable = bytes_.input().writable_size();
    const auto room = bytes_.input().empty() ? std::min(first_read, writable) : writable;
    const auto received = stream_.receive(into, room);
    if (received.outcome == Transfer::would_block) {
        // One who watches is given a turn also because there is something to tell.
        return conversation_.is_watching() ? SessionEvent::lines_may_wait
                                           : SessionEvent::nothing_came;
    }
    if (received.outcome == Transfer::ended && conversation_.is_watching()) {
        stop_reading();
        return SessionEvent::lines_may_wait;
    }
    if (received.outcome != Transfer::done) return give_up(received.outcome);
    bytes_.input().commit(received.count);
    note_received(received.count, now);
    return received.count == room ? SessionEvent::received_all : SessionEvent::received;
}

SessionEvent Session::read_value(std::span<char> target, const storage::Now& now) {
    const auto received = stream_.receive(target.data(), std::min(target.size(), value_read_limit));
    if (received.outcome == Transfer::would_block) return SessionEvent::nothing_came;
    if (received.outcome != Transfer::done) return give_up(received.outcome);
    conversation_.value_received(received.count);
    note_received(received.count, now);
    // More of it, or its end and what follows, is likely to be here already.
    return SessionEvent::received_all;
}

// Whoever watches may say all that it has to say and listen on (`nc -N`). If it has closed the
// other half as well, only what is sent to it finds out: then that there is something to tell, else
// a probe.
void Session::stop_reading() noexcept {
    input_has_ended_ = true;
    keep_alive(client_.descriptor);
}

void Session::note_received(std::size_t count, const storage::Now& now) noexcept {
    surroundings_.counters.totals.add(protocol::Count::bytes_read, count);
    times_.received(count, now.tick());
}

SessionAction Session::advance(const storage::Now& now) {
    const bool begins = surroundings_.gate != nullptr && conversation_.unconfirmed().empty();
    if (begins) generation_ = surroundings_.gate->generation();
    const auto next = conversation_.advance(bytes_.input(), bytes_.output(), now);
    const bool is_to_be_woken = conversation_.is_watching() ||
                                next == protocol::Next::await_login ||
                                next == protocol::Next::await_decision;
    if (is_to_be_woken != is_listed_) list(is_to_be_woken);
    const bool is_wrong = next == protocol::Next::close && !conversation_.was_asked_to_close();
    if (is_wrong) end_reason_ = "error";
    if (is_wrong && conversation_.was_shut_out()) {
        surroundings_.service.note_shut_out(client_.address.host());
    }
    // Without an answer there is nothing to hold back.
    return machine_.advanced(next,
                             bytes_.output().empty() ? PendingOutput::none : pending_output());
}

// Other threads may have something for it.
void Session::list(bool is_to_be_woken) {
    if (is_to_be_woken) {
        surroundings_.watching->add(*this);
    } else {
        surroundings_.watching->remove(*this);
    }
    is_listed_ = is_to_be_woken;
}

PendingOutput Session::pending_output() const noexcept {
    if (bytes_.output().empty() && !stream_.has_unsent()) return PendingOutput::none;
    return conversation_.unconfirmed().empty() ? PendingOutput::free : PendingOutput::guarded;
}

// What of the output waits for the other node may leave, still has to wait, or becomes an error.
SessionEvent Session::confirm(const storage::Now& now) {
    using Answer = replication::AckGate::Answer;
    auto& gate = *surroundings_.gate;
    auto answer = gate.look(conversation_.unconfirmed(), generation_);
    if (answer == Answer::wait) {
        gate.begin_waiting(surroundings_.waiter);
        // It may have been confirmed before anybody knew that we wait.
        answer = gate.look(conversation_.unconfirmed(), generation_);
    }
    if (answer == Answer::wait) {
        times_.wait(now.steady_ms);
        return SessionEvent::unconfirmed;
    }
    times_.end_wait();
    if (answer == Answer::refuse && !conversation_.refuse(bytes_.output()))
        return SessionEvent::lost;
    if (answer != Answer::refuse) conversation_.confirm();
    return SessionEvent::confirmed;
}

SessionEvent Session::write() {
    std::array<std::string_view, segments_per_write> segments;
    while (!bytes_.output().empty()) {
        if (written_in_turn_ >= written_per_turn) return SessionEvent::written_share;
        const auto count = bytes_.output().gather(segments);
        const auto sent = stream_.send(std::span(segments).first(count));
        if (sent.outcome == Transfer::would_block) return SessionEvent::blocked;
        if (sent.outcome != Transfer::done) return give_up(sent.outcome);
        surroundings_.counters.totals.add(protocol::Count::bytes_written, sent.count);
        bytes_.output().consume(sent.count);
        written_in_turn_ += sent.count;
        times_.sent();
    }
    const auto flushed = stream_.flush();
    if (flushed == Transfer::would_block) return SessionEvent::blocked;
    if (flushed != Transfer::done) return give_up(flushed);
    const bool has_share = written_in_turn_ >= written_per_turn;
    return has_share ? SessionEvent::written_share : SessionEvent::written;
}

// What the thread's sessions hold together has a limit (-o read_buf_mem_limit). Who holds more than
// its share of it then, because it does not read, is closed, and who alone holds more than all may.
// Whose request is on its way is in the right: the poller looks for somebody who does not get on.
bool Session::exceeds_memory() noexcept {
    auto& memory = surroundings_.counters.memory;
    bytes_.count_held(memory);
    if (!memory.could_hold(bytes_.held())) return true;
    return bytes_.has_output() && !memory.has_room_for(0) && bytes_.held() > memory.share();
}

SessionEvent Session::give_up(Transfer outcome) noexcept {
    if (outcome == Transfer::broken) end_reason_ = "error";
    return SessionEvent::lost;
}

bool Session::has_unread() const noexcept {
    if (conversation_.is_watching()) return false;
    return !conversation_.at_boundary() || !bytes_.input().empty() ||
           status_.waits_for(SessionAction::pause) || stream_.has_unread();
}

bool Session::may_end_now() const noexcept {
    return drained_ && !bytes_.has_output() && bytes_.input().empty() &&
           conversation_.at_boundary();
}

}  // namespace twincached::app
