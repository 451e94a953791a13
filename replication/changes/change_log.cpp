#include "replication/changes/change_log.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

namespace twincached::replication {
namespace {

constexpr auto no_slot = LogIndex::no_slot;

// A quarter of the limit at most, so that entries of 48 bytes fill it to four fifths.
std::size_t slot_count_for(std::size_t limit_bytes) noexcept {
    return std::max<std::size_t>(8, std::bit_floor(limit_bytes / 32));
}

// What is left of the limit for entries; of a limit that is next to nothing all of it.
std::size_t capacity_for(std::size_t limit_bytes) noexcept {
    const auto index_bytes = LogIndex::bytes_for(slot_count_for(limit_bytes));
    return limit_bytes > 2 * index_bytes ? limit_bytes - index_bytes : limit_bytes;
}

constexpr std::size_t size_for(std::size_t key_size) noexcept {
    constexpr auto alignment = LogChunks::alignment;
    return (sizeof(LogEntry) + key_size + alignment - 1) / alignment * alignment;
}
static_assert(size_for(storage::key_size_limit) <= (1U << LogChunks::bits_min));

}  // namespace

ChangeLog::ChangeLog(std::size_t limit_bytes)
    : index_(slot_count_for(limit_bytes)),
      capacity_(capacity_for(limit_bytes)),
      chunks_(capacity_),
      head_(chunks_.begin()),
      unsent_(head_),
      tail_(head_) {}

// --- the FIFO --------------------------------------------------------------------------------

// Where the next entry starts: entries do not straddle chunks, and a key of no bytes marks that
// the rest of a chunk is unused.
ChangeLog::Position ChangeLog::skip_padding(Position position) const noexcept {
    if (position == tail_) return position;
    const Position chunk_size = chunks_.size();
    const Position rest = chunk_size - (position & (chunk_size - 1));
    if (rest >= sizeof(Entry) && chunks_.at(position)->key_size != 0) return position;
    return position + rest;
}

// An entry lies in one chunk. What is left at the end of the last one is padding, which counts as
// used until the head has passed it: so the limit holds for what is in memory, not for what is
// useful.
bool ChangeLog::make_tail_room(std::size_t size) noexcept {
    const Position chunk_size = chunks_.size();
    const Position offset = tail_ & (chunk_size - 1);
    const Position padding = offset == 0 || chunk_size - offset >= size ? 0 : chunk_size - offset;
    const bool fits = head_ == tail_ ? size <= capacity_ : bytes() + padding + size <= capacity_;
    if (!fits) return false;
    if (offset != 0 && padding == 0) return true;

    if (!chunks_.take(tail_ + padding)) return false;
    if (padding >= sizeof(Entry)) chunks_.at(tail_)->key_size = 0;
    if (head_ == tail_) head_ = unsent_ = tail_ + padding;
    tail_ += padding;
    chunks_.free_before(head_);
    return true;
}

// After entries were removed: what lies before the first live entry is given back.
void ChangeLog::settle() noexcept {
    if (entries_ == 0) head_ = tail_;
    unsent_ = std::max(unsent_, head_);
    chunks_.free_before(head_);
}

// --- looking up ------------------------------------------------------------------------------

// The newest entry of that key; older ones of it may still be on their way to the peer.
ChangeLog::Found ChangeLog::find(const storage::Key& key) const noexcept {
    const auto [slot, free_slot] = index_.probe(key, chunks_, head_);
    if (slot == no_slot) return {nullptr, 0, free_slot};
    const auto position = index_.position_in(slot, head_);
    return {chunks_.at(position), position, slot};
}

void ChangeLog::prefetch(std::span<const std::uint64_t> hashes) const noexcept {
    for (const auto hash : hashes)
        index_.prefetch(hash);
}

std::size_t ChangeLog::hashes_from(Position position,
                                   std::span<std::uint64_t> hashes) const noexcept {
    std::size_t count = 0;
    while (count < hashes.size()) {
        position = skip_padding(position);
        if (position >= tail_) break;
        const Entry* entry = chunks_.at(position);
        hashes[count++] = entry->hash;
        position += size_for(entry->key_size);
    }
    return count;
}

storage::Version ChangeLog::version_of_hash(std::uint64_t hash) noexcept {
    return entries_ == 0 ? 0 : index_.version_of(hash, chunks_, head_);
}

// --- changes ---------------------------------------------------------------------------------

// The index names the newest entry of a key only. An older one that has been sent stays where it
// is, to be acknowledged in its turn; one that has not is left to next_unsent(), which drops it.
ChangeLog::Found ChangeLog::append(const Found& newest, const storage::Key& key,
                                   storage::Version version) noexcept {
    if (newest.slot == no_slot) return {nullptr, crowded};
    const bool room_in_index = newest || index_.has_room();
    const auto size = size_for(key.bytes.size());
    if (!room_in_index || !make_tail_room(size)) return {};
    if (newest) version = std::max(version, newest.entry->version);

    const Position position = tail_;
    Entry* entry = chunks_.at(position);
    *entry = {version, key.hash, 0,     static_cast<std::uint8_t>(key.bytes.size()),
              true,    true,     false, false};
    std::memcpy(reinterpret_cast<char*>(entry + 1), key.bytes.data(), key.bytes.size());
    tail_ += size;
    ++entries_;
    ++unsent_entries_;

    if (newest) {
        index_.move(newest.slot, position);
    } else {
        index_.fill(newest.slot, key.hash, position);
    }
    return {entry, position, newest.slot};
}

// Wishes are bounded by the bytes that fulfilling them will cost, not by their number: a peer may
// ask for a bucket of large values.
void ChangeLog::mark_wanted(Entry& entry, std::uint32_t size_hint) noexcept {
    if (entry.wanted) wanted_bytes_ -= entry.size_hint;
    entry.wanted = true;
    entry.size_hint = size_hint;
    wanted_bytes_ += size_hint;
}

// The entry dies in place: a FIFO has no holes to fill. Its bytes come back when the head passes
// it.
void ChangeLog::remove(Entry& entry, Position position) noexcept {
    const auto slot = index_.slot_of(entry, position);
    if (slot != no_slot) index_.erase(slot);
    entry.live = false;
    --entries_;
    if (position >= unsent_) --unsent_entries_;
    if (entry.wanted) wanted_bytes_ -= entry.size_hint;
}

// A key that was changed again since is skipped: its newest entry will say all there is to say.
// That is how a hot key costs the link one record a turn, however often it is written.
ChangeLog::Found ChangeLog::next_unsent() noexcept {
    while (unsent_entries_ > 0) {
        unsent_ = skip_padding(unsent_);
        Entry* entry = chunks_.at(unsent_);
        const auto size = size_for(entry->key_size);
        if (entry->live) {
            if (const auto slot = index_.slot_of(*entry, unsent_); slot != no_slot)
                return {entry, unsent_, slot};
            const auto newest = find({entry->key(), entry->hash});
            if (!newest) return {entry, unsent_};
            newest.entry->touch_only = newest.entry->touch_only && entry->touch_only;
            if (entry->wanted && !newest.entry->wanted)
                mark_wanted(*newest.entry, entry->size_hint);
            remove(*entry, unsent_);
        }
        unsent_ += size;
    }
    settle();
    return {};
}

// Gives the position behind the entry: acknowledged up to there, it is done.
ChangeLog::Position ChangeLog::mark_sent(const Found& found) noexcept {
    assert(found.position == unsent_);
    --unsent_entries_;
    unsent_ += size_for(found.entry->key_size);
    return unsent_;
}

void ChangeLog::discard(const Found& found) noexcept {
    assert(found.position == unsent_);
    const auto size = size_for(found.entry->key_size);
    remove(*found.entry, found.position);
    unsent_ += size;
    settle();
}

// Never beyond what was sent, whatever the peer says.
void ChangeLog::acknowledge(Position position) noexcept {
    position = std::min(position, unsent_);
    std::array<std::uint64_t, fetched_at_once> hashes;
    for (std::size_t i = 0; head_ < position; ++i) {
        if (i % fetched_at_once == 0) {
            prefetch(std::span(hashes).first(hashes_from(head_, hashes)));
        }
        head_ = skip_padding(head_);
        if (head_ >= position) break;
        Entry* entry = chunks_.at(head_);
        if (entry->live) remove(*entry, head_);
        head_ += size_for(entry->key_size);
    }
    settle();
}

// A session has ended: what was sent and not acknowledged is unsent again (rule R11).
void ChangeLog::rewind() noexcept {
    unsent_ = head_;
    unsent_entries_ = entries_;
}

// Whether the key is present is asked of its newest entry: this one may be a delete that a set has
// followed, and a floor for it would cost the bucket more than it saves.
bool ChangeLog::pop_oldest(Folded& folded) noexcept {
    while (entries_ > 0) {
        head_ = skip_padding(head_);
        unsent_ = std::max(unsent_, head_);
        Entry* entry = chunks_.at(head_);
        const auto size = size_for(entry->key_size);
        const bool live = entry->live;
        if (live) {
            const auto newest = find({entry->key(), entry->hash});
            folded = {entry->hash, entry->version, newest && newest.entry->present};
            remove(*entry, head_);
        }
        head_ += size;
        if (live) {
            settle();
            return true;
        }
    }
    return false;
}

}  // namespace twincached::replication
