// One client's connection: reads what has arrived, feeds the conversation, writes its answers, in
// turns. Its machine says what is done and in which order (SessionMachine); here it is done. A turn
// never blocks; it ends by saying what the session waits for. All turns are taken on one io thread
// (SessionPoller). Between turns an idle session holds no buffer.
#pragma once

#include "app/addresses/new_client.hpp"
#include "app/process/system_clock.hpp"
#include "app/sessions/client_stream.hpp"
#include "app/sessions/session_bytes.hpp"
#include "app/sessions/session_machine.hpp"
#include "app/sessions/session_status.hpp"
#include "app/sessions/session_times.hpp"
#include "app/sessions/watching_sessions.hpp"
#include "lib/time/pause_detector.hpp"
#include "protocol/conversation.hpp"
#include "replication/ack_gate.hpp"

#include <boost/intrusive/list_hook.hpp>

#include <cstddef>
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
    WatchingSessions* watching = nullptr;  // null: nobody can watch, or wait for a judge
    ClientTls* tls = nullptr;              // null: none
    replication::AckGate* gate = nullptr;  // what answers to changes must pass, if there is one
    unsigned waiter = 0;                   // the thread's number there
    std::uint16_t arbiter_waiter = 0;      // and at the arbiter, if there is one
    lib::PauseDetector pauses{};           // of the thread

    // The system had none for a client, who is closed.
    void note_no_memory() noexcept {
        counters.totals.add(protocol::Count::malloc_fails);
        service.note_no_memory();
    }
};

// Its place among those who hold something half done: SessionPoller. Who ends leaves it.
using HolderPlace =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class Session : public HolderPlace {
  public:
    // Owns the client's descriptor once it is built. Throws std::bad_alloc, and then does not.
    Session(SessionSurroundings& surroundings, const NewClient& client);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // `now` was read before what the client has sent is: it is the time of all that is executed.
    SessionAction take_turn(const storage::Now& now) noexcept;
    // From now on the session ends at the first boundary between requests at which nothing more
    // has arrived.
    void drain() noexcept { drained_ = true; }
    // The client has closed its sending half, and goes on watching: there is nothing to read.
    bool has_input_ended() const noexcept { return input_has_ended_; }
    // Something that the client has sent is not executed, or not to its end: a part of a request, a
    // pipeline that pauses, bytes in the socket. Not of one who watches: what it says is ignored.
    bool has_unread() const noexcept;
    // What it holds between two turns.
    const SessionBytes& bytes() const noexcept { return bytes_; }
    // What another node was to decide is decided: it may go on.
    bool is_decided() const noexcept { return conversation_.is_decided(); }
    // Why it is about to be ended, for those who watch.
    void blame(std::string_view reason) noexcept { end_reason_ = reason; }

    // As it was accepted. Any thread.
    const NewClient& client() const noexcept { return client_; }

    // The io thread: a client that has not proved anything yet, and the end of patience with it.
    ClientStream& stream() noexcept { return stream_; }

    // For reports; any thread.
    const SessionTimes& times() const noexcept { return times_; }
    const SessionStatus& status() const noexcept { return status_; }
    // What its descriptor is watched for; the poller's note.
    std::uint32_t& watched() noexcept { return watched_; }

  private:
    friend class SessionRegistry;

    SessionAction run_turn(const storage::Now& now);
    SessionAction perform(SessionAction action, const storage::Now& now);
    SessionAction advance(const storage::Now& now);
    SessionEvent read(const storage::Now& now);
    SessionEvent read_value(std::span<char> target, const storage::Now& now);
    SessionEvent confirm(const storage::Now& now);
    SessionEvent write();
    PendingOutput pending_output() const noexcept;
    void stop_reading() noexcept;
    void list(bool is_to_be_woken);
    void note_received(std::size_t count, const storage::Now& now) noexcept;
    bool exceeds_memory() noexcept;
    bool may_end_now() const noexcept;
    SessionEvent give_up(Transfer outcome) noexcept;

    SessionSurroundings& surroundings_;
    const NewClient client_;
    protocol::Conversation conversation_;
    ClientStream stream_;  // behind all that may find no memory, for it closes the descriptor
    SessionMachine machine_;
    SessionTimes times_;
    SessionBytes bytes_;
    Session* previous_ = nullptr;  // in the registry
    Session* next_ = nullptr;
    SessionStatus status_;
    std::string_view end_reason_ = "normal";
    replication::AckGate::Generation generation_ = 0;  // in which unconfirmed changes were made
    std::size_t written_in_turn_ = 0;
    std::uint32_t watched_ = 0;
    bool drained_ = false;
    bool is_listed_ = false;  // among those whom other threads wake
    bool input_has_ended_ = false;
};

}  // namespace twincached::app
