// What a repcached hears from this node: the changes of the log, read from the store when they are
// sent, and, if it called, everything that is held, as its dump. What came over the link does not
// go back: an old node would take the deletes among it for new ones.
//
//      change log --own changes-->                       rep, delete
//      dirty buckets --own items--> change log           (what overflowed)   --> bytes
//      store --all items--> dump                         rep ... marugoto_end
//      flush of a client's                               flush_all, and own items anew
//
// An old node confirms nothing. So what was sent stays in the log for a while, as if it had not
// arrived: if the link is lost meanwhile, it is sent again, and no dump replaces it.
//
// Sans-I/O; owned by the LegacyLink. The replication thread alone calls it, holding no lock.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/legacy/legacy_stats.hpp"
#include "replication/pair/timing.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace twincached::replication::pair {

class LegacySender {
  public:
    // What was sent has arrived by then, or the system has ended the connection.
    static constexpr Timing::ms settling_time{6000};

    LegacySender(ChangeSink& sink, LegacyStats& stats) noexcept : sink_(sink), stats_(stats) {}
    void attach(storage::Store& store) noexcept { store_ = &store; }

    // A session begins, with a node whose changes carry that number. `owes_all`: it called, and is
    // empty until it has all.
    void begin(unsigned peer_node, bool owes_all, Instant now);
    // What may not have arrived is to be sent again.
    void end() noexcept;

    // Appends about `budget_bytes`, at most one value more; returns how many. 0: nothing is to be
    // sent. Throws std::bad_alloc: the session must end.
    std::size_t produce(lib::ByteBuffer& out, std::size_t budget_bytes, const storage::Now& now);
    // Before the thread rests: the next change wakes it. False: there is something to send.
    bool may_rest() noexcept;
    // What has been sent for long enough is believed to have arrived.
    void settle(Instant now) noexcept;

    // The other node has been told what it lacked.
    bool has_dumped() const noexcept { return walk_ == Walk::none; }
    // The other node had not been told all when the last session ended: what it lacks says nothing.
    bool still_owes_all() const noexcept { return owes_all_; }
    // After its own dump, to a node that is owed all. Without an end: it awaits none.
    void go_on_owing();
    // A flush of this node's clients is not known over there: what its dump holds is older.
    bool owes_flush() const noexcept { return owes_flush_; }
    // Nothing is left to be sent.
    bool is_drained() const noexcept;
    // After that, at the end of the process: nothing is left to be confirmed.
    void settle_all() noexcept;

  private:
    enum class Walk : std::uint8_t { none, own_items, all_items };

    bool wants_to_send() const noexcept;
    bool send_news(lib::ByteBuffer& out, const storage::Now& now);
    bool send_changes(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now);
    bool send_entry(lib::ByteBuffer& out, storage::Shard& shard, const ChangeLog::Found& found,
                    const storage::Now& now);
    bool log_dirty_buckets(const storage::Now& now) noexcept;
    bool send_walked(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now);
    void end_walk(lib::ByteBuffer& out);
    void send_large(lib::ByteBuffer& out, const storage::Now& now);
    void write_item(lib::ByteBuffer& out, const storage::ItemView& item, const storage::Now& now);
    void write_removal(lib::ByteBuffer& out, std::string_view key);

    ChangeSink& sink_;
    LegacyStats& stats_;
    storage::Store* store_ = nullptr;
    unsigned peer_node_ = 0;
    bool in_session_ = false;
    bool has_met_ = false;  // an old node, in any session

    Walk walk_ = Walk::none;
    std::optional<storage::Store::Cursor> cursor_;  // none: at the end
    bool ends_dump_ = false;                        // marugoto_end follows the walk
    bool owes_all_ = false;                         // until a walk over all items has settled
    std::vector<std::uint64_t> large_;  // hashes of walked items that are sent one by one

    unsigned next_shard_ = 0;
    std::optional<Instant> settles_at_;                // in a session
    std::vector<ChangeLog::Position> sent_, settled_;  // per shard: what the log may forget then
    bool all_was_sent_ = false;                        // at the last settling
    bool owes_flush_ = false;                          // it is not sent yet
    std::optional<Instant> flush_settles_at_;          // none: no flush is on its way
};

}  // namespace twincached::replication::pair
