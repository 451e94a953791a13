// Which connection is an old node's (repcached), when its session begins and ends, and what that
// means for the link and for clients. The same port serves both worlds: an old node is told from a
// peer by the first byte that it says, or by its silence.
//
//      what comes in from the peer's address                   it is
//      0xC7 ...                                                a peer: the handshake's
//      r, m, d, f, on either side                              an old node
//      nothing, for a second, where it called                  an old node: it gets a dump
//      nothing, where we called                                is waited for
//
// While legacy is off, and for every other address, nothing of it is reachable: then all that comes
// in is the handshake's. What the session carries is the LegacyLink's. Owned by the Engine; the
// replication thread alone calls it. docs/REPLICATION.md, "The link to repcached".
#pragma once

#include "replication/pair/exchange/exchange.hpp"
#include "replication/pair/legacy/legacy_link.hpp"
#include "replication/pair/link/connections.hpp"
#include "replication/pair/link/link_machine.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/pair/timing.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::replication::pair {

// For reports.
struct LegacyReport {
    LegacyState state = LegacyState::off;
    bool applies = false;
    LegacyStats stats;
};

class LegacyService {
  public:
    // Whoever called from the peer's address and says nothing for so long is no peer.
    static constexpr Timing::ms silence_before_dump{1000};
    // An old node with many items freezes before it says the first of them: so long after this
    // node's start, or after a call was taken, it is waited for.
    static constexpr Timing::ms patience{30'000};

    // All of them outlive it.
    struct Parts {
        ChangeSink& sink;
        const Self& self;
        LinkMachine& link;
        Exchange& exchange;
        Connections& connections;
    };
    LegacyService(const Parts& parts, LegacyOptions options,
                  std::uint64_t item_size_limit_bytes) noexcept
        : parts_(parts), options_(options), legacy_(parts.sink, item_size_limit_bytes) {}
    void attach(storage::Store& store) noexcept { legacy_.attach(store); }

    void start(Instant now) noexcept { started_ = now; }
    void set(LegacyOptions options, const storage::Now& now);
    bool in_session() const noexcept { return legacy_.in_session(); }

    // --- events ----------------------------------------------------------------------------------
    void on_connected(Connection& connection, const storage::Now& now) const noexcept;
    // False: they are not an old node's, and somebody else must read them.
    bool on_bytes(Connection& connection, std::string_view bytes, const storage::Now& now);
    // REQUIRES: the connection's phase is legacy.
    void on_closed(Connection& connection, std::string_view why, const storage::Now& now);
    // Before the link machine hears of the time.
    void on_timer(const storage::Now& now) noexcept;
    // The peer has shown itself: the old node's time is over.
    void give_way(std::string_view why, const storage::Now& now);
    // An operator asks for all that the old node holds once more. False: there is none.
    bool ask_again(const storage::Now& now);
    // All connections are gone already.
    void abandon() noexcept { legacy_.end(); }

    // --- what follows ----------------------------------------------------------------------------
    // To be called after events, while the node does not shut down.
    void judge(const storage::Now& now);
    // Writes what is to be sent, while the connection has less than `output_limit` bytes on it.
    void produce(std::size_t output_limit, const storage::Now& now);
    // The node shuts down, and has nothing left to say, or may not wait: `is_time_up`.
    void say_goodbye_if_drained(bool is_time_up, const storage::Now& now);
    std::optional<Instant> deadline() const noexcept;

    LegacyReport report() const noexcept;

  private:
    bool may_begin() const noexcept;
    void begin(Connection& connection, const storage::Now& now);
    void end(Connection& connection, std::string_view why, LinkEvent how, const storage::Now& now);
    void call_anew_if_drained(const Connection& connection, const storage::Now& now);

    const Parts parts_;
    LegacyOptions options_;
    LegacyLink legacy_;
    Instant started_{0};
    bool is_caught_up_ = false;  // as last told
    bool owes_a_call_ = false;   // of this session, what was passed over is to be told once more
};

}  // namespace twincached::replication::pair
