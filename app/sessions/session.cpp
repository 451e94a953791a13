#include "app/sessions/session.hpp"

#include "app/listeners/listening_socket.hpp"
#include "protocol/observation/watch_events.hpp"

#include <array>
#include <new>

namespace twincached::app {
namespace {

// Reads of one turn, so that a client with a full pipe cannot keep the thread to itself.
constexpr unsigned reads_per_turn = 8;
// What a read must find room for, however much waits in the buffer already.
constexpr std::size_t least_room = SessionBuffers::read_size / 4;
// Bytes of a long request that must come within the time that a request may take.
constexpr std::uint32_t least_progress = 64 * 1024;

std::unique_ptr<TlsChannel> channel_for(const SessionSurroundings& surroundings,
                                        const NewClient& client) {
    if (client.tls == ListenerTls::none) return nullptr;
    return std::make_unique<TlsChannel>(client.descriptor, client.tls, *surroundings.tls,
                                        surroundings.counters);
}

}  // namespace

Session::Session(SessionSurroundings& surroundings, const NewClient& client)
    : surroundings_(surroundings),
      stream_(client.descriptor, channel_for(surroundings, client)),
      last_active_(surroundings.clock.now().tick()),
      id_(client.id),
      address_(client.address),
      has_place_(client.has_place),
      conversation_(surroundings.service, surroundings.counters,
                    protocol::ClientOrigin{client.descriptor, surroundings.watching}) {
    request_since_ = last_active();
    last_taken_ = last_active();
    tell_watchers(true);
}

Session::~Session() {
    auto& memory = surroundings_.counters.memory;
    memory.hold_request(held_request_, 0);
    memory.hold_answer(held_answer_, 0);
    if (is_listed_) surroundings_.watching->remove(*this);
    tell_watchers(false);
}

Pace Session::take_turn() noexcept {
    is_in_turn_.store(true, std::memory_order_relaxed);
    auto pace = Pace::end;
    try {
        pace = run_turn();
    } catch (const std::bad_alloc&) {
        // The client is closed: nobody else is hurt by what it asked for.
        surroundings_.counters.totals.add(protocol::Count::malloc_fails);
        pace = Pace::end;
    }
    phase_.store(conversation_.phase(), std::memory_order_relaxed);
    pace_.store(pace, std::memory_order_relaxed);
    is_in_turn_.store(false, std::memory_order_relaxed);
    return pace;
}

Pace Session::run_turn() {
    const auto now = surroundings_.clock.now();
    borrow_buffers(now);
    const bool was_held = waits_since_ms_ != 0;
    auto pace =
        (output_->empty() && !stream_.has_unsent()) || gathers_ ? Pace::go_on : deliver(now);
    const bool is_done = was_held && pace == Pace::go_on && then_ == Then::read;
    if (is_done && !input_may_wait_) pace = Pace::wait_for_input;
    for (unsigned reads = 0; pace == Pace::go_on;) {
        if (then_ == Then::close) {
            pace = Pace::end;
        } else if (then_ == Then::advance) {
            pace = advance(now);
        } else if (reads == reads_per_turn) {
            pace = Pace::pause;
        } else {
            ++reads;
            pace = read(now);
        }
    }
    // What a handshake had to say and could not.
    if (pace == Pace::wait_for_input && stream_.has_unsent()) pace = Pace::wait_for_room;
    return_buffers();
    pace = account_for_memory(pace);
    note_progress(now);
    return pace == Pace::wait_for_input && may_end_now() ? Pace::end : pace;
}

Pace Session::read(const storage::Now& now) {
    const auto target = conversation_.value_target();
    if (!target.empty()) return read_value(target, now);
    auto* into = input_.prepare(least_room);
    const auto room = input_.writable_size();
    const auto received = stream_.receive(into, room);
    if (received.outcome == Transfer::would_block) {
        input_may_wait_ = false;
        // One who watches is given a turn also because there is something to tell.
        return conversation_.is_watching() ? advance(now) : Pace::wait_for_input;
    }
    if (received.outcome != Transfer::done) return give_up(received.outcome);
    input_.commit(received.count);
    note_received(received.count, now);
    input_may_wait_ = received.count == room;
    return advance(now);
}

Pace Session::read_value(std::span<char> target, const storage::Now& now) {
    const auto received = stream_.receive(target.data(), target.size());
    if (received.outcome == Transfer::would_block) return Pace::wait_for_input;
    if (received.outcome != Transfer::done) return give_up(received.outcome);
    conversation_.value_received(received.count);
    note_received(received.count, now);
    // More of it, or its end and what follows, is likely to be here already.
    input_may_wait_ = true;
    return advance(now);
}

void Session::note_received(std::size_t count, const storage::Now& now) noexcept {
    surroundings_.counters.totals.add(protocol::Count::bytes_read, count);
    last_active_.store(now.tick(), std::memory_order_relaxed);
    received_since_ += static_cast<std::uint32_t>(count);
}

// A request that comes in bits is measured from its beginning, not from its last bit; a long one
// must come at a certain rate.
void Session::note_progress(const storage::Now& now) noexcept {
    const auto requests = conversation_.finished_requests();
    if (conversation_.at_boundary() || requests != requests_seen_ ||
        received_since_ >= least_progress) {
        request_since_ = now.tick();
        received_since_ = 0;
        requests_seen_ = requests;
    }
    if (has_sent_) last_taken_ = now.tick();
    has_sent_ = false;
}

Pace Session::advance(const storage::Now& now) {
    const bool begins = surroundings_.gate != nullptr && conversation_.unconfirmed().empty();
    if (begins) generation_ = surroundings_.gate->generation();
    const auto next = conversation_.advance(input_, *output_, now);
    if (conversation_.is_watching() && !is_listed_) {
        surroundings_.watching->add(*this);
        is_listed_ = true;
    }
    then_ = next == protocol::Next::close       ? Then::close
            : next == protocol::Next::read_more ? Then::read
                                                : Then::advance;
    // What has come together is waited for together.
    gathers_ = next == protocol::Next::yield && !conversation_.unconfirmed().empty();
    const auto pace = gathers_ || output_->empty() ? Pace::go_on : deliver(now);
    if (pace != Pace::go_on) return pace;
    if (next == protocol::Next::yield) return Pace::pause;
    if (next == protocol::Next::read_more && !input_may_wait_) return Pace::wait_for_input;
    return Pace::go_on;
}

Pace Session::deliver(const storage::Now& now) {
    if (!conversation_.unconfirmed().empty()) {
        const auto pace = await_peer(now);
        if (pace != Pace::go_on) return pace;
    }
    return write();
}

Pace Session::await_peer(const storage::Now& now) {
    using Answer = replication::AckGate::Answer;
    auto& gate = *surroundings_.gate;
    auto answer = gate.look(conversation_.unconfirmed(), generation_);
    if (answer == Answer::wait) {
        gate.begin_waiting(surroundings_.waiter);
        // It may have been confirmed before anybody knew that we wait.
        answer = gate.look(conversation_.unconfirmed(), generation_);
    }
    if (answer == Answer::wait) {
        if (waits_since_ms_ == 0) waits_since_ms_ = now.steady_ms;
        return Pace::wait_for_peer;
    }
    waits_since_ms_ = 0;
    if (answer == Answer::refuse) return conversation_.refuse(*output_) ? Pace::go_on : Pace::end;
    conversation_.confirm();
    return Pace::go_on;
}

Pace Session::write() {
    std::array<std::string_view, segments_per_write> segments;
    while (!output_->empty()) {
        const auto count = output_->gather(segments);
        const auto sent = stream_.send(std::span(segments).first(count));
        if (sent.outcome == Transfer::would_block) return Pace::wait_for_room;
        if (sent.outcome != Transfer::done) return give_up(sent.outcome);
        surroundings_.counters.totals.add(protocol::Count::bytes_written, sent.count);
        output_->consume(sent.count);
        has_sent_ = true;
    }
    const auto flushed = stream_.flush();
    if (flushed == Transfer::would_block) return Pace::wait_for_room;
    return flushed == Transfer::done ? Pace::go_on : give_up(flushed);
}

void Session::borrow_buffers(const storage::Now& now) {
    stream_.begin_turn(surroundings_.buffers, now.tick());
    if (!output_) output_ = surroundings_.buffers.take_output();
    auto shared = surroundings_.buffers.take_input();
    if (input_.size() > SessionBuffers::read_size / 2) {
        surroundings_.buffers.give_back(std::move(shared));
        return;  // a long line or value: let it grow where it is
    }
    shared.append(input_.readable());
    input_ = std::move(shared);
}

void Session::return_buffers() {
    stream_.end_turn(surroundings_.buffers);
    if (output_->empty()) surroundings_.buffers.give_back(std::move(output_));
    const bool is_long = input_.size() > SessionBuffers::read_size / 2;
    if (is_long) return;
    lib::ByteBuffer rest;
    rest.append(input_.readable());
    surroundings_.buffers.give_back(std::move(input_));
    input_ = std::move(rest);
}

// What the thread's sessions hold together has a limit (-o read_buf_mem_limit). Who would hold more
// than is left of it, because it does not read, or sends without an end, is closed.
Pace Session::account_for_memory(Pace pace) noexcept {
    auto& memory = surroundings_.counters.memory;
    memory.hold_request(held_request_, input_.capacity());
    memory.hold_answer(held_answer_, output_ ? output_->held_bytes() : 0);
    const bool holds = held_request_.bytes() + held_answer_.bytes() > 0;
    if (pace == Pace::end || !holds || memory.has_room_for(0)) return pace;
    surroundings_.counters.totals.add(output_ ? protocol::Count::response_obj_oom
                                              : protocol::Count::read_buf_oom);
    end_reason_ = "out_of_memory";
    return Pace::end;
}

Pace Session::give_up(Transfer outcome) noexcept {
    if (outcome == Transfer::broken) end_reason_ = "error";
    return Pace::end;
}

void Session::tell_watchers(bool has_come) const noexcept {
    auto& log = surroundings_.service.shared().observation.watch_log;
    if (!log.wants(protocol::WatchTopic::connevents)) return;
    const bool is_local = address_.family == ClientAddress::Family::local;
    const bool is_known = address_.family != ClientAddress::Family::none;
    const auto host = is_known && !is_local ? address_.host() : std::string("-");
    const protocol::ConnectionEvent event{host, address_.port, is_local ? "local" : "tcp",
                                          descriptor()};
    if (has_come) {
        tell_connected(log, event);
    } else {
        tell_disconnected(log, event, end_reason_);
    }
}

bool Session::may_end_now() const noexcept {
    return drained_ && !output_ && input_.empty() && conversation_.at_boundary();
}

}  // namespace twincached::app
