// What can be asked of a store, and what it answers. One request struct per kind of operation,
// rich enough for all three dialects of the memcached protocol; an operation that a dialect does
// not know is simply a field left at its default.
#pragma once

#include "lib/function_ref.hpp"
#include "storage/exptime.hpp"
#include "storage/mutation.hpp"
#include "storage/version.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::storage {

// An item as it lies in memory. Valid inside the visitor that receives it, under the shard's
// lock, and not a moment longer: copy what you need, or pin a large value (Store::pin).
struct ItemView {
    std::string_view key;
    std::string_view value;
    std::uint64_t hash = 0;
    Version version = 0;
    std::uint64_t cas = 0;  // what clients see: the explicit CAS if it has one, else from version
    std::uint32_t client_flags = 0;
    Expiry expiry;
    Tick last_access = 0;
    bool explicit_cas = false;
    bool fetched = false;      // has been read since it was stored
    bool stale = false;        // invalidated (md I); readers see X
    bool won = false;          // a reader has been told to recache it (W); others see Z
    bool binary_key = false;   // stored by a meta command with a base64 key
    bool pinnable = false;     // large: the value may be pinned instead of copied
    void* location = nullptr;  // for the store's own use (pin)
};

using ItemVisitor = lib::FunctionRef<void(const ItemView&)>;

enum class Miss : std::uint8_t { none, absent, expired, flushed };

struct Read {
    std::optional<Expiry> touch;   // gat, mg T: a new expiry for what is found
    std::optional<Expiry> vivify;  // mg N: on a miss create an empty item that expires so
    std::optional<std::uint32_t> recache_below;  // mg R: win if fewer seconds are left
    bool touches_first = false;                  // mg T before R: are left of the new expiry
    std::optional<std::uint64_t> explicit_cas;   // mg E
    bool claims_recache = true;  // false: gat and touch, whose reader cannot be told that it won
    bool leave_no_mark = false;  // mg u: neither last access, nor fetched, nor frequency
    // Another node hands out what one reader alone may have: where this read would claim a recache,
    // or create an item, nothing is done, and the result says so.
    bool defers_claims = false;
};

// Of readers who cannot be told that they are to recache what they read.
inline constexpr Read plain_get = [] {
    Read read;
    read.claims_recache = false;
    return read;
}();

// Who is to recache a stale or expiring item: one reader wins (W), later ones are told so (Z).
enum class Recache : std::uint8_t { not_needed, won, already_won };

struct ReadMarks {
    Expiry expiry_before;
    Recache recache = Recache::not_needed;
    bool vivified = false;
};

using ReadVisitor = lib::FunctionRef<void(const ItemView&, const ReadMarks&)>;

struct ReadResult {
    Miss miss = Miss::none;  // none: it was there (or vivified), the visitor was called
    Ticket ticket;
    bool is_deferred = false;  // see Read::defers_claims; the visitor was not called

    bool hit() const noexcept { return miss == Miss::none && !is_deferred; }
};

enum class WriteMode : std::uint8_t { set, add, replace, append, prepend };

struct Write {
    WriteMode mode = WriteMode::set;
    std::uint32_t client_flags = 0;  // append and prepend keep the item's own,
    Expiry expiry;                   // and its expiry
    std::string_view value;
    std::optional<std::uint64_t> compare_cas;
    std::optional<std::uint64_t> explicit_cas;
    std::optional<Expiry> vivify;  // append and prepend on a miss create the item (ms N)
    bool invalidate = false;       // ms I: an older CAS stores, but the item is marked stale
    bool binary_key = false;
};

enum class WriteOutcome : std::uint8_t {
    stored,
    not_stored,
    exists,
    not_found,
    too_large,
    no_memory
};

// `exists` and `not_found` answer a CAS unique that was named; the last two have dropped the old
// item, unless the value was only to grow.
struct WriteResult {
    WriteOutcome outcome = WriteOutcome::not_stored;
    std::uint64_t cas = 0;   // of the item now stored; 0 if none was
    std::uint64_t size = 0;  // bytes of its value
    Expiry expiry;
    Ticket ticket;
};

struct Arithmetic {
    bool decrement = false;
    std::uint64_t delta = 1;
    std::optional<std::uint64_t> compare_cas;
    std::optional<std::uint64_t> explicit_cas;
    std::optional<Expiry> touch;   // ma T
    std::optional<Expiry> vivify;  // ma N, binary: create with `initial` on a miss
    std::uint64_t initial = 0;
};

// The number is a 64-bit unsigned one in decimal digits: incr wraps, decr stops at 0, and a result
// with fewer digits is padded with blanks. Source: memcached doc/protocol.txt,
// "Increment/Decrement".
enum class ArithmeticOutcome : std::uint8_t { done, not_found, exists, non_numeric, no_memory };

struct ArithmeticResult {
    ArithmeticOutcome outcome = ArithmeticOutcome::not_found;
    std::uint64_t number = 0;
    std::uint64_t cas = 0;
    Expiry expiry;
    bool vivified = false;
    Ticket ticket;
};

struct Remove {
    std::optional<std::uint64_t> compare_cas;
    std::optional<std::uint64_t> explicit_cas;
    std::optional<Expiry> touch;  // md T, with invalidate
    bool invalidate = false;      // md I: mark stale and give a new CAS instead of removing
    bool clear = false;           // md x: empty the value and the client flags, keep the item
};

enum class RemoveOutcome : std::uint8_t { removed, not_found, exists };

struct RemoveResult {
    RemoveOutcome outcome = RemoveOutcome::not_found;
    Ticket ticket;
    // Of the item as it was, for reports; 0 if there was none.
    std::uint64_t size = 0;       // bytes of its value
    std::uint64_t accounted = 0;  // as memcached accounts it
};

// A mutation as another node sends it.
struct Record {
    Key key;
    Version version = 0;
    std::string_view value;
    std::uint32_t client_flags = 0;
    Expiry expiry;  // already on this node's clock
    std::optional<std::uint64_t> explicit_cas;
    bool stale = false;
    bool binary_key = false;
    bool cold = false;  // came by a walk: enters the queue that is evicted first
};

// `outdated`: something as new or newer is known here. `no_memory`: older than the record is
// nothing here any more, but the record is not here either.
enum class ApplyOutcome : std::uint8_t { applied, outdated, no_memory };

}  // namespace twincached::storage
