// The change log of one shard: which keys changed, and to which version, that the peer has not
// acknowledged. No values: they are read from the store when an entry is sent (rule R3), so a key
// that changes a thousand times costs one entry. Bounded memory, no allocation but of chunks that
// count against it. Not thread-safe: guarded by the shard's lock.
//
//      head                     unsent                      tail
//       [ sent, not acknowledged ][ not sent yet ............ ]        a FIFO of bytes in chunks
//         '-- freed by position     '-- coalesced by key
//
// An index finds the newest entry of a key; it holds the highest version of all the key's
// entries. An older entry of a key that has a newer one is passed over when its turn comes. If
// the newest was discarded, an older one that awaits its acknowledgement is not found any more:
// the peer itself has written something newer by then.
#pragma once

#include "replication/changes/log_chunks.hpp"
#include "replication/changes/log_index.hpp"
#include "storage/key.hpp"
#include "storage/version.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace twincached::replication {

class ChangeLog {
  public:
    using Entry = LogEntry;
    using Position = LogPosition;

    struct Found {
        Entry* entry = nullptr;
        Position position = 0;
        std::size_t slot = LogIndex::no_slot;  // the key's in the index, or where it would be
        explicit operator bool() const noexcept { return entry != nullptr; }
    };

    explicit ChangeLog(std::size_t limit_bytes);

    bool empty() const noexcept { return entries_ == 0; }
    std::size_t entries() const noexcept { return entries_; }
    std::size_t unsent_entries() const noexcept { return unsent_entries_; }
    std::size_t bytes() const noexcept { return static_cast<std::size_t>(tail_ - head_); }
    std::size_t capacity() const noexcept { return capacity_; }
    // The sum of the size hints of wanted entries that are not acknowledged.
    std::uint64_t wanted_bytes() const noexcept { return wanted_bytes_; }
    // Entries before this have been acknowledged, folded or superseded.
    Position head() const noexcept { return head_; }

    // The newest entry of a key.
    Found find(const storage::Key& key) const noexcept;
    // The highest version of any entry with that hash, 0 if there is none.
    storage::Version version_of_hash(std::uint64_t hash) noexcept;
    bool is_unsent(const Found& found) const noexcept { return found.position >= unsent_; }
    // Whatever is appended from now on stands at this place or behind it.
    Position tail() const noexcept { return tail_; }
    // Nothing at that place, or before it, is still to be sent.
    bool has_sent(Position position) const noexcept {
        return position < unsent_ || unsent_entries_ == 0;
    }

    // How many keys' memory is fetched before the first of them is looked at, here and in the
    // store: about as many reads as a core has under way at a time.
    static constexpr std::size_t fetched_at_once = 16;
    // Fetches what finding these keys will read.
    void prefetch(std::span<const std::uint64_t> hashes) const noexcept;
    // Fills in the hashes of the next unsent entries, living or not; returns how many.
    std::size_t upcoming(std::span<std::uint64_t> hashes) const noexcept {
        return hashes_from(unsent_, hashes);
    }

    // Appends an unsent entry, which becomes its key's newest and has a version no lower than the
    // one before. REQUIRES: `newest` is what find(key) gives, with no call in between that changes
    // the log. Without an entry: the log is full, or, if the position is `crowded`, it has as many
    // keys with such a hash as it may have, and room would not help.
    static constexpr Position crowded = 1;  // where no entry can be
    Found append(const Found& newest, const storage::Key& key, storage::Version version) noexcept;
    void mark_wanted(Entry& entry, std::uint32_t size_hint) noexcept;

    // The first unsent entry that is its key's newest, or none.
    Found next_unsent() noexcept;
    // REQUIRES: `found` came from next_unsent, with no call in between that changes the log.
    // Returns the position behind it: what acknowledge() takes when the peer has it.
    Position mark_sent(const Found& found) noexcept;
    // Takes an entry out that needs not be sent. Same requirement.
    void discard(const Found& found) noexcept;

    // Frees all entries before the position.
    void acknowledge(Position position) noexcept;
    // Nothing has been sent (rule R11).
    void rewind() noexcept;

    struct Folded {
        std::uint64_t hash = 0;
        storage::Version version = 0;
        bool present = false;  // false as well if that is not known
    };
    // Takes the oldest entry out (rule R2). False if there is none.
    bool pop_oldest(Folded& folded) noexcept;

  private:
    Position skip_padding(Position position) const noexcept;
    bool make_tail_room(std::size_t size) noexcept;
    void settle() noexcept;
    std::size_t hashes_from(Position position, std::span<std::uint64_t> hashes) const noexcept;
    void remove(Entry& entry, Position position) noexcept;

    LogIndex index_;
    std::size_t capacity_;
    LogChunks chunks_;

    // The entries from `head_` to `tail_`; those from `unsent_` on have not been sent.
    Position head_;
    Position unsent_;
    Position tail_;
    std::size_t entries_ = 0;  // the living
    std::size_t unsent_entries_ = 0;
    std::uint64_t wanted_bytes_ = 0;
};

}  // namespace twincached::replication
