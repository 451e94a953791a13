// One client's conversation, without a socket: bytes in, answers out. It gives the same answers
// however its input is split. Owned by one session, called by one thread. While nothing is under
// way it holds no memory beside itself. The first byte decides which protocol is spoken.
//
// The session's loop:
//     read into conversation.value_target() if it is not empty, else into `input`;
//     tell it (value_received) or do nothing;
//     next = conversation.advance(input, output, now);
//     read_more   -> write what `output` holds, then read
//     write_first -> write until `output` is empty, then advance again (output high-water mark)
//     yield       -> write, let others run, then advance again (command budget, -R)
//     close       -> write what `output` holds, then close
//     await_peer  -> as whenever unconfirmed() is not empty; then advance again
// If unconfirmed() is not empty, nothing of `output` may be written before the peer has these
// changes (ack mode `received`); then, or if it is not waited for any longer, call confirm(), or
// refuse() where an answer must not be given without the peer.
#pragma once

#include "lib/byte_buffer.hpp"
#include "protocol/execution/authentication.hpp"
#include "protocol/execution/executor.hpp"
#include "protocol/execution/output.hpp"
#include "protocol/execution/service.hpp"
#include "protocol/execution/turn.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace twincached::protocol {

struct VerbEntry;
struct BinaryRequest;

enum class Next : std::uint8_t { read_more, write_first, yield, close, await_peer };

// What a conversation is in the middle of, for `stats conns` and for deadlines.
enum class Phase : std::uint8_t { idle, in_line, in_value, swallowing, watching, closing };

class Conversation {
  public:
    // A request line; only a retrieval may be longer (clients ask for thousands of keys at once).
    static constexpr std::size_t line_limit = 2048;
    static constexpr std::size_t retrieval_line_limit = 8 << 20;

    // Both must outlive it. `counters` belong to the calling thread.
    Conversation(Service& service, ThreadCounters& counters, const Origin& origin = {}) noexcept;
    ~Conversation();
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    Next advance(lib::ByteBuffer& input, Output& output, const storage::Now& now) noexcept;

    std::span<const storage::Ticket> unconfirmed() const noexcept;
    void confirm() noexcept;
    // Turns the last answer into an error. False: it is too late, the client must be closed.
    [[nodiscard]] bool refuse(Output& output);

    // While a large value arrives: where its bytes belong. Empty: read into the input buffer.
    std::span<char> value_target() noexcept;
    void value_received(std::size_t count) noexcept;

    Phase phase() const noexcept { return phase_; }
    // How many requests were dealt with; wraps.
    std::uint32_t finished_requests() const noexcept { return finished_requests_; }
    // True if the connection may be closed without cutting a request or an answer.
    bool at_boundary() const noexcept {
        return phase() == Phase::idle || phase() == Phase::watching;
    }
    // From now on the client only reads: what comes from it is ignored, and what it is told no
    // request causes. `advance` brings it out; the origin's waker says when there is something.
    bool is_watching() const noexcept { return watcher_ != nullptr; }

  private:
    struct LargeValue;
    struct Burst;
    struct Line;
    enum class Step : std::uint8_t { go_on, need_input, write_first, yield, close, await_peer };
    enum class Dialect : std::uint8_t { unknown, text, binary, refused };

    Step step(Burst& burst) noexcept;
    Step next_request(Burst& burst) noexcept;
    Step report(Burst& burst) noexcept;
    void begin_dialect(std::string_view input) noexcept;
    Dialect dialect_of(std::string_view input) const noexcept;
    Step receive_large_value(Burst& burst) noexcept;
    Step swallow(Burst& burst) noexcept;
    bool must_be_confirmed(Burst& burst, std::size_t answer_at, const BinaryRequest* request);
    void finish_request(Burst& burst, std::size_t consumed) noexcept;
    void note_phase(const lib::ByteBuffer& input, Step step) noexcept;

    // Before the client has said who it is.
    Step run_login_line(Burst& burst, const Line& line) noexcept;
    Step take_sasl(Burst& burst, const BinaryRequest& request) noexcept;
    void count_attempt(Admission admission) noexcept;

    // The text protocol.
    Step next_line(Burst& burst) noexcept;
    Step answer_get_run(Burst& burst) noexcept;
    bool may_be_long(std::string_view text) const noexcept;
    Step await_line(std::string_view text) noexcept;
    Step run_line(Burst& burst, const Line& line) noexcept;
    Step execute(Burst& burst, Turn& turn, const VerbEntry& entry, const Command& command,
                 std::size_t consumed) noexcept;
    Step take_value(Burst& burst, const Line& line, const VerbEntry& entry,
                    const Command& command) noexcept;
    Step begin_large_value(Burst& burst, const Line& line, const Command& command) noexcept;
    Step finish_large_line(Burst& burst, LargeValue& value) noexcept;
    Step begin_swallow(Burst& burst, const Line& line, const Command& command,
                       Answer answer) noexcept;

    // The binary protocol.
    Step next_packet(Burst& burst) noexcept;
    Step refuse_packet(Burst& burst, const BinaryRequest& request) noexcept;
    Step take_packet(Burst& burst, const BinaryRequest& request) noexcept;
    Step begin_large_packet(Burst& burst, const BinaryRequest& request) noexcept;
    Step finish_large_packet(Burst& burst, LargeValue& value) noexcept;
    Step swallow_body(Burst& burst, const BinaryRequest& request) noexcept;
    Step execute_packet(Burst& burst, const BinaryRequest& request, Turn& turn,
                        std::size_t consumed) noexcept;

    Executor executor_;
    // Of the input: bytes known to hold no newline, and bytes without which nothing can go on.
    std::size_t scanned_ = 0;
    std::size_t wanted_ = 0;
    // Bytes of a refused value still to be skipped, and the answer that comes after them.
    std::uint64_t to_swallow_ = 0;
    std::unique_ptr<LargeValue> large_;
    std::unique_ptr<Watcher> watcher_;
    Progress progress_;
    std::uint32_t finished_requests_ = 0;
    Answer after_swallow_ = Answer::none;
    Authentication authentication_;
    Phase phase_ = Phase::idle;
    Dialect dialect_ = Dialect::unknown;
    bool first_line_ = true;
};

}  // namespace twincached::protocol
