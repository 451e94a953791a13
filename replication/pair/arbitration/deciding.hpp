// What the other node asks and this one decides: puts its REQUESTs together, executes each once, by
// the road that this node's own clients take, and answers in their order (rules A1, A2). A large
// value that an answer speaks of is not repeated in it: it goes before it in the stream.
// Owned by the session's keeper, on the replication strand. Throws std::bad_alloc.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/arbitration/asking.hpp"
#include "replication/pair/arbitration/peers_word.hpp"
#include "replication/pair/arbitration/stream_place.hpp"
#include "replication/records/arbitration_frames.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace twincached::replication::pair {

class Deciding {
  public:
    // Of values that are to be shown to readers and have not left. Beyond it a reader is told that
    // nobody knows, and nothing is kept for him.
    static constexpr std::size_t shown_bytes_limit = 8U << 20;

    explicit Deciding(const Asking::Parts& parts) noexcept : parts_(parts) {}
    void attach(storage::Store& store) noexcept { store_ = &store; }

    // `decides`: this node does, now. False: the peer breaks the protocol.
    [[nodiscard]] bool on_request(const Frame& frame, bool decides, const storage::Now& now);
    bool has_work() const noexcept { return !owed_.empty(); }
    std::size_t shown_bytes() const noexcept { return shown_bytes_; }
    // Appends OUTCOMEs until `end_size`, of which the last may go beyond it.
    // REQUIRES: no value is half written to the same stream.
    void send(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now);
    // The session is over: nobody waits for an answer.
    void end() noexcept;

    std::uint64_t executed() const noexcept { return executed_; }  // since the start

  private:
    struct Owed {
        std::uint64_t number = 0;
        VerdictWord verdict = VerdictWord::done;
        std::string key;
        storage::Decision decision;
        StreamPlace place;
        bool shows_large = false;  // the item that was read is too large to be told here
    };
    // A request of which not all pieces are here.
    struct Arriving {
        std::uint64_t number = 0;
        std::uint32_t total = 0;
        storage::Operation operation;
        storage::ValueReservation memory;  // of a large value; empty: there is none
    };

    bool begin(RequestPiece piece, const storage::Now& now);
    bool go_on(const RequestPiece& piece);
    void finish(bool decides, const storage::Now& now);
    void execute(Arriving& arrived, Owed& owed, const storage::Now& now);
    storage::WriteResult write(Arriving& arrived, storage::Write request, const storage::Now& now);
    storage::WriteResult refuse(const storage::Key& key, std::uint32_t value_bytes,
                                const storage::Write& request, const storage::Now& now);
    void read(const storage::Read& request, Owed& owed, const storage::Now& now);
    bool write_one(lib::ByteBuffer& out, const Owed& owed, const storage::Now& now);

    const Asking::Parts parts_;
    storage::Store* store_ = nullptr;
    std::optional<Arriving> arriving_;
    std::uint32_t received_ = 0;  // bytes of its value
    std::deque<Owed> owed_;
    std::size_t shown_bytes_ = 0;
    std::uint64_t last_number_ = 0;
    std::uint64_t executed_ = 0;
};

}  // namespace twincached::replication::pair
