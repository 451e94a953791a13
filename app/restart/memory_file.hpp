// The file that a store's items survive a restart in (-e): written at an orderly stop, read and
// used up at the next start. It never says the same thing twice: before the first item is put
// back, the file is gone, and a mark in its place says that a server is at work, so that neither a
// crash nor a copy of the process finds items that have been changed since.
//
//    path        a mark while a server runs, which holds a lock on it; the items after its end
//    path.new    being written
//
// A file that is damaged, cut short, older than the clock allows or not to be believed by the
// replicator is refused as a whole; no number in it is believed because its sum is right. A disk
// that is full, or memory that is short, costs the items and not the server. docs/WARM_RESTART.md
// is the operator's side of it.
//
// Owned by the server, on the control thread, before and after all other threads.
#pragma once

#include "app/process/log.hpp"
#include "app/restart/memory_blocks.hpp"
#include "app/restart/memory_header.hpp"
#include "replication/replicator.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace twincached::app {

class MemoryFile {
  public:
    struct Parts {
        storage::Store& store;
        replication::Replicator& replicator;
    };

    // Takes the path into possession. Throws std::runtime_error if that cannot be, or if a file
    // with saved items could not be removed.
    MemoryFile(std::string path, std::chrono::milliseconds limit, Log& log);
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    // What was saved, if it may be put back at this time; with how far the node's own clock has
    // gone on meanwhile. Says in the log why not.
    struct Saved {
        MemoryHeader header;
        std::uint64_t away_ms = 0;
    };
    std::optional<Saved> open(const ClockReading& clocks);
    // Puts everything back. False: the store and the replicator must be built anew.
    bool load(const Saved& saved, const Parts& parts, const storage::Now& now);

    // What a file says in its header if keys hash like this.
    static std::uint64_t hash_check_of(const lib::KeyedHash& hash) noexcept;

    // After all threads that change the store have ended.
    void save(const Parts& parts, const ClockReading& clocks, const storage::Now& now);

  private:
    void tell_of(replication::Recall recall);
    bool read_items(BlockReader& reader, storage::Store& store, const storage::Now& now);
    bool read_block(std::string_view payload, storage::Store& store, const storage::Now& now);
    bool read_large(BlockReader& reader, std::uint64_t length, storage::Store& store,
                    const storage::Now& now);
    bool write_everything(BlockWriter& writer, const Parts& parts, const MemoryHeader& header);
    void set_aside() const;
    void put_mark();
    std::optional<Saved> try_open(const ClockReading& clocks);
    bool try_load(const Saved& saved, const Parts& parts, const storage::Now& now);
    std::string try_save(const Parts& parts, const MemoryHeader& header);
    bool is_believed(const storage::SavedItem& item);
    std::optional<Saved> refuse(std::string_view why);
    Deadline deadline() const noexcept { return std::chrono::steady_clock::now() + limit_; }

    const std::string path_;
    const std::string unfinished_;  // what is being saved has this path
    const std::chrono::milliseconds limit_;
    Log& log_;
    int mark_ = -1;   // held open for its lock
    int saved_ = -1;  // the items of the run before, removed from its folder already
    std::optional<BlockReader> reader_;
    std::string problem_;
    std::uint64_t last_time_ = 0;  // of any version in the file that is read
    std::uint64_t items_ = 0;
    std::uint64_t written_bytes_ = 0;
    std::uint64_t dropped_ = 0;  // expired meanwhile, or without room
};

}  // namespace twincached::app
