#include "replication/changes/change_log.hpp"

#include "lib/prefetch.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace twincached::replication {
namespace {

constexpr std::size_t alignment = 8;
constexpr std::size_t no_slot = ~std::size_t{0};
constexpr unsigned chunk_bits_min = 9;  // the longest entry fits
constexpr unsigned chunk_bits_max = 15;

// A quarter of the limit at most, so that entries of 48 bytes fill it to four fifths.
std::size_t slot_count_for(std::size_t limit_bytes) noexcept {
    return std::max<std::size_t>(8, std::bit_floor(limit_bytes / 32));
}

unsigned chunk_bits_for(std::size_t capacity) noexcept {
    const auto bits = static_cast<unsigned>(std::bit_width(capacity / 8));
    return std::clamp(bits, chunk_bits_min, chunk_bits_max);
}

std::uint32_t fragment_of(std::uint64_t hash) noexcept {
    const auto fragment = static_cast<std::uint32_t>(hash);
    return fragment == 0 ? 1 : fragment;
}

constexpr std::size_t size_for(std::size_t key_size) noexcept {
    return (sizeof(ChangeLog::Entry) + key_size + alignment - 1) / alignment * alignment;
}
static_assert(size_for(storage::key_size_limit) <= (1U << chunk_bits_min));

}  // namespace

ChangeLog::ChangeLog(std::size_t limit_bytes) {
    const auto slots = slot_count_for(limit_bytes);
    slots_.reset(static_cast<Slot*>(std::calloc(slots, sizeof(Slot))));
    if (!slots_) throw std::bad_alloc();
    slot_mask_ = slots - 1;
    const auto index_bytes = slots * sizeof(Slot);
    capacity_ = limit_bytes > 2 * index_bytes ? limit_bytes - index_bytes : limit_bytes;
    chunk_bits_ = chunk_bits_for(capacity_);
    chunks_.resize(std::bit_ceil((capacity_ >> chunk_bits_) + 3));
    spare_.reserve(spare_limit);
    first_chunk_ = 1;
    head_ = unsent_ = tail_ = Position{1} << chunk_bits_;
}

ChangeLog::~ChangeLog() {
    for (auto* chunk : chunks_)
        ::operator delete(chunk);
    for (auto* chunk : spare_)
        ::operator delete(chunk);
}

// --- the FIFO --------------------------------------------------------------------------------

ChangeLog::Entry* ChangeLog::at(Position position) const noexcept {
    char* chunk = chunks_[(position >> chunk_bits_) & (chunks_.size() - 1)];
    const auto offset = position & ((Position{1} << chunk_bits_) - 1);
    return reinterpret_cast<Entry*>(chunk + offset);
}

// Where the next entry starts: entries do not straddle chunks, and a key of no bytes marks that
// the rest of a chunk is unused.
ChangeLog::Position ChangeLog::skip_padding(Position position) const noexcept {
    if (position == tail_) return position;
    const Position chunk_size = Position{1} << chunk_bits_;
    const Position rest = chunk_size - (position & (chunk_size - 1));
    if (rest >= sizeof(Entry) && at(position)->key_size != 0) return position;
    return position + rest;
}

bool ChangeLog::make_tail_room(std::size_t size) noexcept {
    const Position chunk_size = Position{1} << chunk_bits_;
    const Position offset = tail_ & (chunk_size - 1);
    const Position padding = offset == 0 || chunk_size - offset >= size ? 0 : chunk_size - offset;
    const bool fits = head_ == tail_ ? size <= capacity_ : bytes() + padding + size <= capacity_;
    if (!fits) return false;
    if (offset != 0 && padding == 0) return true;

    const auto number = (tail_ + padding) >> chunk_bits_;
    if (number - first_chunk_ >= chunks_.size()) return false;
    char* chunk = nullptr;
    if (!spare_.empty()) {
        chunk = spare_.back();
        spare_.pop_back();
    } else {
        chunk = static_cast<char*>(::operator new(chunk_size, std::nothrow));
        if (chunk == nullptr) return false;
    }
    chunks_[number & (chunks_.size() - 1)] = chunk;
    if (padding >= sizeof(Entry)) at(tail_)->key_size = 0;
    if (head_ == tail_) head_ = unsent_ = tail_ + padding;
    tail_ += padding;
    free_chunks_before(head_);
    return true;
}

void ChangeLog::free_chunks_before(Position position) noexcept {
    const auto keep = position >> chunk_bits_;
    for (; first_chunk_ < keep; ++first_chunk_) {
        char* chunk = std::exchange(chunks_[first_chunk_ & (chunks_.size() - 1)], nullptr);
        if (chunk == nullptr) continue;
        if (spare_.size() < spare_limit) {
            spare_.push_back(chunk);
        } else {
            ::operator delete(chunk);
        }
    }
}

// After entries were removed: what lies before the first live entry is given back.
void ChangeLog::settle() noexcept {
    if (entries_ == 0) head_ = tail_;
    unsent_ = std::max(unsent_, head_);
    free_chunks_before(head_);
}

// --- the index -------------------------------------------------------------------------------

ChangeLog::Position ChangeLog::position_in(const Slot& slot) const noexcept {
    const auto head_place = static_cast<std::uint32_t>(head_ / alignment);
    return head_ + Position{slot.place - head_place} * alignment;
}

ChangeLog::Probe ChangeLog::probe(const storage::Key& key) const noexcept {
    const auto fragment = fragment_of(key.hash);
    unsigned alike = 0;
    std::size_t i = fragment & slot_mask_;
    for (std::size_t way = 0; way < way_most; ++way, i = (i + 1) & slot_mask_) {
        if (slots_[i].fragment == 0) return {no_slot, alike < alike_most ? i : no_slot};
        if (slots_[i].fragment != fragment) continue;
        const Entry* entry = at(position_in(slots_[i]));
        if (entry->hash == key.hash && entry->key() == key.bytes) return {i, no_slot};
        ++alike;
    }
    return {no_slot, no_slot};
}

std::size_t ChangeLog::slot_pointing_to(const Entry& entry, Position position) const noexcept {
    const auto place = static_cast<std::uint32_t>(position / alignment);
    const auto fragment = fragment_of(entry.hash);
    std::size_t i = fragment & slot_mask_;
    for (std::size_t way = 0; way < way_most && slots_[i].fragment != 0; ++way) {
        if (slots_[i].place == place && slots_[i].fragment == fragment) return i;
        i = (i + 1) & slot_mask_;
    }
    return no_slot;
}

// Open addressing without marks of deletion: later slots of the run move up. What lies further from
// the hole than anything may lie from its home need not.
void ChangeLog::erase_slot(std::size_t slot) noexcept {
    std::size_t hole = slot;
    for (std::size_t i = (hole + 1) & slot_mask_;
         slots_[i].fragment != 0 && ((i - hole) & slot_mask_) < way_most;
         i = (i + 1) & slot_mask_) {
        const std::size_t home = slots_[i].fragment & slot_mask_;
        if (((i - home) & slot_mask_) < ((i - hole) & slot_mask_)) continue;
        slots_[hole] = slots_[i];
        hole = i;
    }
    slots_[hole] = {};
    --indexed_;
}

ChangeLog::Found ChangeLog::find(const storage::Key& key) noexcept {
    if (entries_ == 0) return {};
    const auto slot = probe(key).found;
    if (slot == no_slot) return {};
    const auto position = position_in(slots_[slot]);
    return {at(position), position};
}

void ChangeLog::prefetch(std::span<const std::uint64_t> hashes) const noexcept {
    for (const auto hash : hashes)
        lib::prefetch(&slots_[fragment_of(hash) & slot_mask_]);
}

std::size_t ChangeLog::hashes_from(Position position,
                                   std::span<std::uint64_t> hashes) const noexcept {
    std::size_t count = 0;
    while (count < hashes.size()) {
        position = skip_padding(position);
        if (position >= tail_) break;
        const Entry* entry = at(position);
        hashes[count++] = entry->hash;
        position += size_for(entry->key_size);
    }
    return count;
}

storage::Version ChangeLog::version_of_hash(std::uint64_t hash) noexcept {
    storage::Version version = 0;
    if (entries_ == 0) return version;
    const auto fragment = fragment_of(hash);
    std::size_t i = fragment & slot_mask_;
    for (std::size_t way = 0; way < way_most && slots_[i].fragment != 0; ++way) {
        if (slots_[i].fragment == fragment) {
            const Entry* entry = at(position_in(slots_[i]));
            if (entry->hash == hash) version = std::max(version, entry->version);
        }
        i = (i + 1) & slot_mask_;
    }
    return version;
}

// --- changes ---------------------------------------------------------------------------------

ChangeLog::Found ChangeLog::append(const storage::Key& key, storage::Version version) noexcept {
    const auto [slot, free_slot] = probe(key);
    if (slot == no_slot && free_slot == no_slot) return {nullptr, crowded};
    const bool room_in_index = slot != no_slot || (indexed_ + 1) * 8 <= (slot_mask_ + 1) * 7;
    const auto size = size_for(key.bytes.size());
    if (!room_in_index || !make_tail_room(size)) return {};

    const Position position = tail_;
    Entry* entry = at(position);
    *entry = {version, key.hash, 0,     static_cast<std::uint8_t>(key.bytes.size()),
              true,    true,     false, false};
    std::memcpy(reinterpret_cast<char*>(entry + 1), key.bytes.data(), key.bytes.size());
    tail_ += size;
    ++entries_;
    ++unsent_entries_;

    const auto place = static_cast<std::uint32_t>(position / alignment);
    if (slot != no_slot) {
        assert(at(position_in(slots_[slot]))->version <= version);
        slots_[slot].place = place;
        return {entry, position};
    }
    slots_[free_slot] = {fragment_of(key.hash), place};
    ++indexed_;
    return {entry, position};
}

void ChangeLog::mark_wanted(Entry& entry, std::uint32_t size_hint) noexcept {
    if (entry.wanted) wanted_bytes_ -= entry.size_hint;
    entry.wanted = true;
    entry.size_hint = size_hint;
    wanted_bytes_ += size_hint;
}

void ChangeLog::remove(Entry& entry, Position position) noexcept {
    const auto slot = slot_pointing_to(entry, position);
    if (slot != no_slot) erase_slot(slot);
    entry.live = false;
    --entries_;
    if (position >= unsent_) --unsent_entries_;
    if (entry.wanted) wanted_bytes_ -= entry.size_hint;
}

ChangeLog::Found ChangeLog::next_unsent() noexcept {
    while (unsent_entries_ > 0) {
        unsent_ = skip_padding(unsent_);
        Entry* entry = at(unsent_);
        const auto size = size_for(entry->key_size);
        if (entry->live) {
            const auto newest = find({entry->key(), entry->hash});
            if (!newest || newest.entry == entry) return {entry, unsent_};
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

void ChangeLog::acknowledge(Position position) noexcept {
    position = std::min(position, unsent_);
    std::array<std::uint64_t, fetched_at_once> hashes;
    for (std::size_t i = 0; head_ < position; ++i) {
        if (i % fetched_at_once == 0) {
            prefetch(std::span(hashes).first(hashes_from(head_, hashes)));
        }
        head_ = skip_padding(head_);
        if (head_ >= position) break;
        Entry* entry = at(head_);
        if (entry->live) remove(*entry, head_);
        head_ += size_for(entry->key_size);
    }
    settle();
}

void ChangeLog::rewind() noexcept {
    unsent_ = head_;
    unsent_entries_ = entries_;
}

bool ChangeLog::pop_oldest(Folded& folded) noexcept {
    while (entries_ > 0) {
        head_ = skip_padding(head_);
        unsent_ = std::max(unsent_, head_);
        Entry* entry = at(head_);
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
