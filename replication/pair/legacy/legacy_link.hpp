// The link to a repcached, one side of it: what it says is read and taken over, what it lacks is
// told. It decides who dumps to whom, what of it counts, and when both have what there is:
//
//      we called                                  it called (it was restarted with -x)
//        | <- rep ... marugoto_end --              | -- rep ... marugoto_end ->
//        | <- rep, delete, flush_all ->            | <- rep, delete, flush_all ->
//
// An old node begins to speak when it is called, and says nothing when it calls; it has no
// handshake, no sign of life and no confirmation. What follows from a session's coming and going is
// the link machine's to say, which connection it is on the LegacyService's.
//
// Sans-I/O. Owned by the LegacyService; the replication thread alone calls it.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/legacy/legacy_reader.hpp"
#include "replication/pair/legacy/legacy_receiver.hpp"
#include "replication/pair/legacy/legacy_sender.hpp"
#include "replication/pair/legacy/legacy_stats.hpp"
#include "replication/pair/timing.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::replication::pair {

// How the link to an old node is, as reports say it.
enum class LegacyState : std::uint8_t { off, waiting, filling, linked };

std::string_view name_of(LegacyState state) noexcept;

class LegacyLink {
  public:
    // `value_limit_bytes`: longer values are not taken over; what is older of such a key goes.
    LegacyLink(ChangeSink& sink, std::size_t value_limit_bytes) noexcept;
    LegacyLink(const LegacyLink&) = delete;  // its parts count in its stats
    LegacyLink& operator=(const LegacyLink&) = delete;
    void attach(storage::Store& store) noexcept;

    // --- a session -------------------------------------------------------------------------------
    // `it_called`: it is empty, and awaits a dump. `peer_node`: the number that its changes get.
    // REQUIRES: no session.
    void begin(unsigned peer_node, bool it_called, const storage::Now& now);
    // Harmless without one. What the other node may lack is kept, and told by the next session.
    void end() noexcept;
    bool in_session() const noexcept { return reader_.has_value(); }

    // What came in. `kept` is the connection's: the beginning of a command that is not complete.
    // Why the session must end; empty: it goes on.
    std::string_view on_bytes(lib::ByteBuffer& kept, std::string_view bytes, bool applies,
                              const storage::Now& now);
    // Appends about `room` bytes of what is to be sent.
    void produce(lib::ByteBuffer& out, std::size_t room, const storage::Now& now);
    void on_timer(const storage::Now& now) noexcept;
    std::optional<Instant> deadline() const noexcept;

    // The one that was filled has all.
    bool is_caught_up() const noexcept { return !receiver_.is_filling() && sender_.has_dumped(); }
    // Nothing is left to be sent, as far as this node can tell.
    bool is_drained() const noexcept { return sender_.is_drained(); }
    // After that, when the process ends.
    void settle_all() noexcept { sender_.settle_all(); }

    const LegacyStats& stats() const noexcept { return stats_; }

  private:
    LegacyStats stats_;
    LegacySender sender_;
    LegacyReceiver receiver_;
    const std::size_t value_limit_;
    std::optional<LegacyReader> reader_;  // in a session
    std::optional<Instant> tick_at_;  // the same: nothing else makes a link at rest be looked at
    bool owes_after_dump_ = false;
};

}  // namespace twincached::replication::pair
