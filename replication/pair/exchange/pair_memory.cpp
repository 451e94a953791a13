#include "replication/pair/exchange/pair_memory.hpp"

#include "lib/endian.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace twincached::replication::pair {

namespace {

constexpr std::uint64_t memory_format = 2;
constexpr std::size_t number_bytes = sizeof(std::uint64_t);
constexpr std::size_t plain_numbers = 12;
constexpr std::size_t numbers = plain_numbers + former_peers_limit;
// Per bucket its floor, then, of all buckets, one byte that says whether it is dirty.
constexpr std::size_t memory_bytes =
    numbers * number_bytes + storage::bucket_count * (number_bytes + 1);
constexpr std::size_t floors_at = numbers * number_bytes;
constexpr std::size_t dirty_at = floors_at + storage::bucket_count * number_bytes;
constexpr std::size_t entries_folded_per_lock = 4096;

constexpr std::uint64_t was_in_a_session = 0;
constexpr std::uint64_t was_alone = 1;
constexpr std::uint64_t was_adopted = 2;

std::uint64_t kind_of(const PairMemory& memory) noexcept {
    if (memory.adopted) return was_adopted;
    return memory.alone ? was_alone : was_in_a_session;
}

std::array<std::uint64_t, numbers> numbers_of(const PairMemory& memory) noexcept {
    const SharedPast& past = memory.past;
    std::array<std::uint64_t, numbers> all{
        memory_format,      memory.epoch,     memory.node,  memory.peer_epoch,
        past.session,       past.sent,        past.applied, past.heard_session,
        past.heard_applied, past.heard_acked, memory.split, kind_of(memory)};
    std::copy(memory.former_peers.begin(), memory.former_peers.end(), all.begin() + plain_numbers);
    return all;
}

template <class Visit>
void for_each_run(ChangeSink& sink, storage::Store& store, Visit visit) {
    for (unsigned i = 0; i < sink.shard_count(); ++i) {
        store.with_shard(i, [&](storage::Shard&) {
            visit(sink.shard(i).buckets);
            sink.refresh(i);
        });
    }
}

// Most buckets have neither floor nor mark: what is zero already is not written.
void write_run(std::string& bytes, const Buckets& buckets) noexcept {
    for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
        const auto bucket = static_cast<storage::BucketNumber>(b);
        const auto floor = buckets.floor(bucket);
        if (floor != 0) lib::store_little(bytes.data() + floors_at + b * number_bytes, floor);
        if (buckets.is_dirty(bucket)) bytes[dirty_at + b] = '\1';
    }
}

void read_run(std::string_view bytes, Buckets& buckets) noexcept {
    buckets.forget();
    for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
        const auto floor =
            lib::load_little<std::uint64_t>(bytes.data() + floors_at + b * number_bytes);
        const bool is_dirty = bytes[dirty_at + b] != '\0';
        if (floor != 0 || is_dirty)
            buckets.restore(static_cast<storage::BucketNumber>(b), floor, is_dirty);
    }
}

// The time of the highest. None is ahead of the clock that was saved with it: one that was would
// let nothing in that the peer sends.
std::uint64_t latest_floor(std::string_view bytes) noexcept {
    storage::Version latest = 0;
    for (std::size_t bucket = 0; bucket < storage::bucket_count; ++bucket) {
        const char* from = bytes.data() + floors_at + bucket * number_bytes;
        latest = std::max(latest, lib::load_little<std::uint64_t>(from));
    }
    return storage::time_of(latest);
}

}  // namespace

// The log is not written: an entry says of a key what a floor says of its bucket, and the buckets
// are there anyway. It costs a list of each such bucket, once, instead of a format of its own.
std::string write_memory(const PairMemory& memory, ChangeSink& sink, storage::Store& store) {
    std::string bytes(memory_bytes, '\0');
    char* to = bytes.data();
    for (const std::uint64_t number : numbers_of(memory)) {
        lib::store_little(to, number);
        to += number_bytes;
    }
    for (unsigned i = 0; i < sink.shard_count(); ++i) {
        for (bool done = false; !done;) {
            store.with_shard(i, [&](storage::Shard&) {
                done = sink.shard(i).fold_into_buckets(entries_folded_per_lock);
            });
        }
    }
    for_each_run(sink, store, [&](const Buckets& buckets) { write_run(bytes, buckets); });
    return bytes;
}

// All of it is judged before any of it is believed: nothing of a memory that is refused may be left
// in the buckets.
std::optional<PairMemory> read_memory(std::string_view bytes, const storage::VersionGate& gate,
                                      ChangeSink& sink, storage::Store& store) {
    if (bytes.size() != memory_bytes) return std::nullopt;
    const char* from = bytes.data();
    const auto next = [&from] {
        return lib::load_little<std::uint64_t>(std::exchange(from, from + number_bytes));
    };
    if (next() != memory_format) return std::nullopt;
    PairMemory memory;
    memory.epoch = next();
    memory.node = next();
    memory.peer_epoch = next();
    SharedPast& past = memory.past;
    for (std::uint64_t* number : {&past.session, &past.sent, &past.applied, &past.heard_session,
                                  &past.heard_applied, &past.heard_acked, &memory.split}) {
        *number = next();
    }
    const auto kind = next();
    memory.alone = kind != was_in_a_session;
    memory.adopted = kind == was_adopted;
    for (auto& epoch : memory.former_peers)
        epoch = next();
    if (memory.epoch == 0 || latest_floor(bytes) > store.version_time()) return std::nullopt;
    if (!gate.admits(memory.split) || !gate.admits_time(latest_floor(bytes))) return std::nullopt;
    for_each_run(sink, store, [&](Buckets& buckets) { read_run(bytes, buckets); });
    return memory;
}

}  // namespace twincached::replication::pair
