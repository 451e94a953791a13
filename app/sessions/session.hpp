// One client's connection: reads what has arrived, feeds the conversation, writes its answers, in
// turns. A turn never blocks; it ends by saying what the session waits for. All turns are taken on
// one io thread (SessionPoller).
//
//     read -> advance -> write -> (read again while the pipeline is full)
//                            '-> wait for room -> write -> ...
//
// While output is pending nothing is read, so a client that does not read is given no memory.
// Between turns an idle session holds no buffer.
#pragma once

#include "app/addresses/new_client.hpp"
#include "app/process/system_clock.hpp"
#include "app/sessions/client_stream.hpp"
#include "app/sessions/session_buffers.hpp"
#include "app/sessions/watching_sessions.hpp"
#include "protocol/conversation.hpp"
#include "replication/ack_gate.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

namespace twincached::app {

// What all sessions of one io thread share. Outlives them.
struct SessionSurroundings {
    protocol::Service& service;
    protocol::ThreadCounters& counters;
    const SystemClock& clock;
    SessionBuffers& buffers;
    WatchingSessions* watching = nullptr;  // null: nobody can watch
    ClientTls* tls = nullptr;              // null: none
    replication::AckGate* gate = nullptr;  // what answers to changes must pass, if there is one
    unsigned waiter = 0;                   // the thread's number there
};

// What a session waits for after a turn.
enum class Pace : std::uint8_t {
    go_on,  // within a turn only
    wait_for_input,
    wait_for_room,  // its client must read first
    wait_for_peer,  // the other node is to confirm a change before its answer leaves
    pause,          // nothing: others are to have their turn before it goes on
    end,            // to be closed
};

class Session {
  public:
    // Owns the client's descriptor once it is built. Throws std::bad_alloc.
    Session(SessionSurroundings& surroundings, const NewClient& client);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Pace take_turn() noexcept;
    // From now on the session ends at the first boundary between requests at which nothing more
    // has arrived.
    void drain() noexcept { drained_ = true; }
    // Why it is about to be ended, for those who watch.
    void blame(std::string_view reason) noexcept { end_reason_ = reason; }

    std::uint64_t id() const noexcept { return id_; }
    int descriptor() const noexcept { return stream_.descriptor(); }
    const ClientAddress& address() const noexcept { return address_; }
    bool has_place() const noexcept { return has_place_; }  // of its address

    // The io thread: a client that has not proved anything yet, and the end of patience with it.
    bool is_shaking_hands() const noexcept { return stream_.is_shaking_hands(); }
    void give_handshake_up(storage::Tick now) noexcept { stream_.give_handshake_up(now); }

    // When the request that is half received began, or what is left of it last got on; and when
    // the client last took something of an answer. The io thread.
    storage::Tick request_since() const noexcept { return request_since_; }
    storage::Tick last_taken() const noexcept { return last_taken_; }

    // For reports; any thread.
    protocol::ConversationPhase phase() const noexcept {
        return phase_.load(std::memory_order_relaxed);
    }
    storage::Tick last_active() const noexcept {
        return last_active_.load(std::memory_order_relaxed);
    }
    bool is_in_turn() const noexcept { return is_in_turn_.load(std::memory_order_relaxed); }
    // The pace of the last turn.
    Pace pace() const noexcept { return pace_.load(std::memory_order_relaxed); }
    // What its descriptor is watched for; the poller's note.
    std::uint32_t watched() const noexcept { return watched_; }
    void set_watched(std::uint32_t events) noexcept { watched_ = events; }
    // REQUIRES: it waits for the peer; the io thread.
    std::uint64_t waits_since_ms() const noexcept { return waits_since_ms_; }

  private:
    friend class SessionRegistry;
    enum class Then : std::uint8_t { read, advance, close };

    Pace run_turn();
    Pace read(const storage::Now& now);
    Pace read_value(std::span<char> target, const storage::Now& now);
    Pace advance(const storage::Now& now);
    Pace deliver(const storage::Now& now);
    Pace await_peer(const storage::Now& now);
    Pace write();
    void note_received(std::size_t count, const storage::Now& now) noexcept;
    void note_progress(const storage::Now& now) noexcept;
    void borrow_buffers(const storage::Now& now);
    void return_buffers();
    Pace account_for_memory(Pace pace) noexcept;
    bool may_end_now() const noexcept;
    Pace give_up(Transfer outcome) noexcept;
    void tell_watchers(bool has_come) const noexcept;

    SessionSurroundings& surroundings_;
    ClientStream stream_;
    std::atomic<storage::Tick> last_active_;
    const std::uint64_t id_;
    const ClientAddress address_;
    const bool has_place_;
    protocol::Conversation conversation_;
    lib::ByteBuffer input_;                     // what is half received
    std::unique_ptr<protocol::Output> output_;  // what is half sent; null: nothing
    protocol::ClientMemory::Holding held_request_;
    protocol::ClientMemory::Holding held_answer_;
    Session* previous_ = nullptr;  // in the registry
    Session* next_ = nullptr;
    std::atomic<protocol::ConversationPhase> phase_{protocol::ConversationPhase::idle};
    std::atomic<Pace> pace_{Pace::wait_for_input};
    std::atomic<bool> is_in_turn_{false};
    std::string_view end_reason_ = "normal";
    storage::Tick request_since_ = 0;
    storage::Tick last_taken_ = 0;
    std::uint32_t requests_seen_ = 0;
    std::uint32_t received_since_ = 0;                 // bytes, of the request since then
    bool has_sent_ = false;                            // in this turn
    replication::AckGate::Generation generation_ = 0;  // in which unconfirmed changes were made
    std::uint32_t watched_ = 0;
    std::uint64_t waits_since_ms_ = 0;  // for the peer; 0: it does not
    Then then_ = Then::read;            // what to do when nothing is left to write
    bool gathers_ = false;              // answers are held until all that came together is executed
    bool drained_ = false;
    bool is_listed_ = false;       // among those who watch
    bool input_may_wait_ = false;  // the last read filled its buffer: there may be more
};

}  // namespace twincached::app
