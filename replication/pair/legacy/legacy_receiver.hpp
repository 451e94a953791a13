// What a repcached tells is brought into the store: as if it had been written there at the moment
// that it arrives, by the node that the old one stands for in versions. So nothing of it goes back,
// and tokens of its clients (CAS uniques) stay good here.
//
// While a dump comes, what was changed here and has not surely arrived over there stays as it is;
// at the dump's end what it lacked is gone, unless it was changed here. So a second dump mends what
// came in the wrong order, or not at all.
//
// Owned by the LegacyLink. The replication thread alone calls it, holding no lock.
#pragma once

#include "replication/changes/change_sink.hpp"
#include "replication/pair/legacy/legacy_command.hpp"
#include "replication/pair/legacy/legacy_stats.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace twincached::replication::pair {

class LegacyReceiver {
  public:
    LegacyReceiver(ChangeSink& sink, LegacyStats& stats) noexcept : sink_(sink), stats_(stats) {}
    void attach(storage::Store& store) noexcept { store_ = &store; }

    // How much the dump of a session counts.
    enum class Dump : std::uint8_t {
        none,      // there is none: the other node called
        whole,     // it says what there is
        partial,   // it says what there is, but not what there is not
        outdated,  // nothing: all was flushed here, and the other node has yet to hear of it
    };
    // A session begins, with a node whose changes carry that number.
    void begin(unsigned peer_node, Dump dump);
    void end() noexcept { dump_ = Dump::none; }
    // A dump is under way. Its end is a command like the others.
    bool is_filling() const noexcept { return dump_ != Dump::none; }

    // `applies`: else it is passed over, but for the dump's end.
    void take(const LegacyCommand& command, bool applies, const storage::Now& now);

    // A flush that the other node's clients asked for comes due, in a session or not.
    std::optional<std::uint64_t> flush_at_ms() const noexcept { return flush_at_ms_; }
    void on_timer(const storage::Now& now) noexcept;

  private:
    void store_item(const LegacyCommand& command, const storage::Now& now);
    void remove(const LegacyCommand& command, const storage::Now& now);
    void flush(const storage::Now& now) noexcept;
    void end_dump(bool applies, const storage::Now& now) noexcept;
    void drop_unheard(unsigned number, const storage::Now& now) noexcept;
    bool stays(unsigned number, storage::Shard& shard, const storage::Key& key,
               const storage::Now& now) noexcept;
    storage::Version arrival(std::uint64_t time, const storage::Now& now) const noexcept;

    ChangeSink& sink_;
    LegacyStats& stats_;
    storage::Store* store_ = nullptr;
    unsigned peer_node_ = 0;
    Dump dump_ = Dump::none;
    std::uint64_t told_ = 0;             // records of the dump so far
    std::vector<std::uint64_t> before_;  // per shard: the last version time before the dump
    std::optional<std::uint64_t> flush_at_ms_;
};

}  // namespace twincached::replication::pair
