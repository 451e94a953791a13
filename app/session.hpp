// One client's connection: waits for the socket, feeds the conversation, writes its answers. All
// of it is callbacks on one io thread; at most one operation is under way, in the session's own
// memory, and its handler is the only one who may end the session.
//
//     wait for input -> read -> advance -> write -> (read again while the pipeline is full)
//                                            '-> wait for room -> write -> ...
//
// While output is pending nothing is read, so a client that does not read is given no memory.
// An idle session holds no buffer.
#pragma once

#include "app/handler_memory.hpp"
#include "app/session_buffers.hpp"
#include "app/socket_io.hpp"
#include "app/system_clock.hpp"
#include "protocol/conversation.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstdint>
#include <memory>

namespace twincached::app {

class SessionRegistry;

using StreamSocket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                      boost::asio::io_context::executor_type>;

// What all sessions of one io thread share. Outlives them.
struct SessionSurroundings {
    boost::asio::io_context& context;
    protocol::Service& service;
    protocol::ThreadCounters& counters;
    const SystemClock& clock;
    SessionBuffers& buffers;
    SessionRegistry& registry;
};

class Session {
  public:
    // Owns the descriptor, which is a connected, non-blocking stream socket.
    Session(SessionSurroundings& surroundings, int descriptor, int family, std::uint64_t id);

    // Begins to serve. From here on the session ends itself, through its registry.
    void start() noexcept;

    // Ends it at the next boundary between requests, after what has arrived was answered.
    void drain() noexcept;
    // Ends it now.
    void abort() noexcept;

    std::uint64_t id() const noexcept { return id_; }

    // For reports; any thread.
    int descriptor() const noexcept { return descriptor_; }
    protocol::Phase phase() const noexcept { return phase_.load(std::memory_order_relaxed); }
    storage::Tick last_active() const noexcept {
        return last_active_.load(std::memory_order_relaxed);
    }
    // Being served at this moment: for one, whoever asks.
    bool is_in_turn() const noexcept { return is_in_turn_.load(std::memory_order_relaxed); }
    bool is_writing() const noexcept { return is_writing_.load(std::memory_order_relaxed); }

  private:
    friend class SessionRegistry;
    class Resume;
    enum class Then : std::uint8_t { read, advance, close };
    enum class Pace : std::uint8_t { go_on, wait_for_input, wait_for_room, pause, end };

    void resume(bool failed) noexcept;
    void run_turn();
    Pace read(const storage::Now& now);
    Pace read_value(std::span<char> target, const storage::Now& now) noexcept;
    Pace advance(const storage::Now& now) noexcept;
    Pace write() noexcept;
    void note_received(std::size_t count, const storage::Now& now) noexcept;
    void borrow_buffers();
    void return_buffers();
    void wait(Pace pace) noexcept;
    bool may_end_now() const noexcept;

    SessionSurroundings& surroundings_;
    StreamSocket socket_;
    const int descriptor_;
    const std::uint64_t id_;
    HandlerMemory memory_;
    protocol::Conversation conversation_;
    lib::ByteBuffer input_;                     // what is half received
    std::unique_ptr<protocol::Output> output_;  // what is half sent; null: nothing
    Session* previous_ = nullptr;               // in the registry
    Session* next_ = nullptr;
    std::atomic<storage::Tick> last_active_;
    std::atomic<protocol::Phase> phase_{protocol::Phase::idle};
    std::atomic<bool> is_writing_{false};
    std::atomic<bool> is_in_turn_{false};
    Then then_ = Then::read;  // what to do when nothing is left to write
    bool drained_ = false;
    bool aborted_ = false;
    bool input_may_wait_ = false;  // the last read filled its buffer: there may be more
};

}  // namespace twincached::app
