#include "app/session.hpp"

#include "app/session_registry.hpp"

#include <boost/asio/post.hpp>

#include <array>
#include <new>

namespace twincached::app {
namespace {

namespace asio = boost::asio;

// Reads of one turn, so that a client with a full pipe cannot keep the thread to itself.
constexpr unsigned reads_per_turn = 8;
// What a read must find room for, however much waits in the buffer already.
constexpr std::size_t least_room = SessionBuffers::read_size / 4;

}  // namespace

// The handler of every operation: tells Asio where its memory is.
class Session::Resume {
  public:
    using allocator_type = HandlerAllocator<void>;

    explicit Resume(Session& session) noexcept : session_(&session) {}
    allocator_type get_allocator() const noexcept { return allocator_type(session_->memory_); }

    void operator()() const noexcept { session_->resume(false); }
    void operator()(const boost::system::error_code& error) const noexcept {
        session_->resume(static_cast<bool>(error));
    }

  private:
    Session* session_;
};

Session::Session(SessionSurroundings& surroundings, int descriptor, int family, std::uint64_t id)
    : surroundings_(surroundings),
      socket_(surroundings.context, asio::generic::stream_protocol(family, 0), descriptor),
      descriptor_(descriptor),
      id_(id),
      conversation_(surroundings.service, surroundings.counters),
      last_active_(surroundings.clock.now().tick()) {}

void Session::start() noexcept {
    wait(Pace::wait_for_input);
}

void Session::drain() noexcept {
    if (drained_) return;
    drained_ = true;
    // Wakes a session that waits for input; its handler looks once more for what has arrived. One
    // that waits for room goes on writing.
    if (!is_writing()) socket_.cancel();
}

void Session::abort() noexcept {
    aborted_ = true;
    socket_.cancel();
}

void Session::resume(bool failed) noexcept {
    if (aborted_ || (failed && !drained_)) return surroundings_.registry.end(*this);
    try {
        run_turn();
    } catch (const std::bad_alloc&) {
        surroundings_.registry.end(*this);
    }
}

void Session::run_turn() {
    const auto now = surroundings_.clock.now();
    is_in_turn_.store(true, std::memory_order_relaxed);
    borrow_buffers();
    auto pace = output_->empty() ? Pace::go_on : write();
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
    return_buffers();
    phase_.store(conversation_.phase(), std::memory_order_relaxed);
    is_in_turn_.store(false, std::memory_order_relaxed);
    if (pace == Pace::wait_for_input && may_end_now()) pace = Pace::end;
    wait(pace);
}

Session::Pace Session::read(const storage::Now& now) {
    const auto target = conversation_.value_target();
    if (!target.empty()) return read_value(target, now);
    auto* into = input_.prepare(least_room);
    const auto room = input_.writable_size();
    const auto received = receive(descriptor_, into, room);
    if (received.outcome == Transfer::would_block) return Pace::wait_for_input;
    if (received.outcome == Transfer::ended) return Pace::end;
    input_.commit(received.count);
    note_received(received.count, now);
    input_may_wait_ = received.count == room;
    return advance(now);
}

Session::Pace Session::read_value(std::span<char> target, const storage::Now& now) noexcept {
    const auto received = receive(descriptor_, target.data(), target.size());
    if (received.outcome == Transfer::would_block) return Pace::wait_for_input;
    if (received.outcome == Transfer::ended) return Pace::end;
    conversation_.value_received(received.count);
    note_received(received.count, now);
    // More of it, or its end and what follows, is likely to be here already.
    input_may_wait_ = true;
    return advance(now);
}

void Session::note_received(std::size_t count, const storage::Now& now) noexcept {
    surroundings_.counters.totals.add(protocol::Count::bytes_read, count);
    last_active_.store(now.tick(), std::memory_order_relaxed);
}

Session::Pace Session::advance(const storage::Now& now) noexcept {
    const auto next = conversation_.advance(input_, *output_, now);
    then_ = next == protocol::Next::close       ? Then::close
            : next == protocol::Next::read_more ? Then::read
                                                : Then::advance;
    const auto pace = output_->empty() ? Pace::go_on : write();
    if (pace != Pace::go_on) return pace;
    if (next == protocol::Next::yield) return Pace::pause;
    if (next == protocol::Next::read_more && !input_may_wait_) return Pace::wait_for_input;
    return Pace::go_on;
}

Session::Pace Session::write() noexcept {
    std::array<std::string_view, segments_per_write> segments;
    while (!output_->empty()) {
        const auto count = output_->gather(segments);
        const auto sent = send(descriptor_, std::span(segments).first(count));
        if (sent.outcome == Transfer::would_block) return Pace::wait_for_room;
        if (sent.outcome == Transfer::ended) return Pace::end;
        surroundings_.counters.totals.add(protocol::Count::bytes_written, sent.count);
        output_->consume(sent.count);
    }
    return Pace::go_on;
}

void Session::borrow_buffers() {
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
    if (output_->empty()) surroundings_.buffers.give_back(std::move(output_));
    const bool is_long = input_.size() > SessionBuffers::read_size / 2;
    if (is_long) return;
    lib::ByteBuffer rest;
    rest.append(input_.readable());
    surroundings_.buffers.give_back(std::move(input_));
    input_ = std::move(rest);
}

bool Session::may_end_now() const noexcept {
    return drained_ && !output_ && input_.empty() && conversation_.at_boundary();
}

void Session::wait(Pace pace) noexcept {
    is_writing_.store(pace == Pace::wait_for_room, std::memory_order_relaxed);
    switch (pace) {
        case Pace::wait_for_input:
            return socket_.async_wait(StreamSocket::wait_read, Resume(*this));
        case Pace::wait_for_room:
            return socket_.async_wait(StreamSocket::wait_write, Resume(*this));
        case Pace::go_on:
        case Pace::pause:
            return asio::post(surroundings_.context, Resume(*this));
        case Pace::end:
            return surroundings_.registry.end(*this);
    }
}

}  // namespace twincached::app
