// What this process keeps and whom it tells of it: the replicator, the store that reports to it,
// the file in which items survive a restart, and the thread that keeps the store in order.
//
//     build: replicator (its sink exists) -> store (reports to the sink) -> items come back
//     start: upkeep -> replicator (gets the store; says when clients may come)
//     end:   replicator's last changes -> its thread and upkeep end -> items go to the file
//
// It knows no client. Owned by the server; the control thread builds, starts and stops it, and one
// other may drain it. The store and the replicator's reports are any thread's.
#pragma once

#include "app/options/options.hpp"
#include "app/process/log.hpp"
#include "app/process/maintenance.hpp"
#include "app/process/system_clock.hpp"
#include "app/restart/memory_file.hpp"
#include "replication/replicator.hpp"
#include "storage/store.hpp"

#include <memory>
#include <optional>

namespace twincached::app {

class Node {
  public:
    // All must outlive it.
    struct Parts {
        const Options& options;
        SystemClock& clock;
        Log& log;
    };
    // The clock goes on from where a memory file says that it stood. Throws what a person should
    // read.
    Node(const Parts& parts, replication::Setup setup, replication::Events events);
    ~Node() { stop(); }

    storage::Store& store() noexcept { return *store_; }
    replication::Replicator& replicator() noexcept { return *replicator_; }

    // Throws std::system_error, for example if the link's port is taken.
    void start();
    // The other node is told what it does not have yet, and items are saved if they are to survive.
    // Nobody may change the store any more. Blocks, for as long as the options allow.
    void drain();
    // Ends all threads. Blocks. Harmless if repeated, or never started.
    void stop() noexcept;

  private:
    // By the hash that a node like this has, if none is given.
    void build(std::optional<lib::KeyedHash> hash = std::nullopt);
    void recall_items();
    // Builds anew if the saved items were hashed in another way that this node knows.
    void hash_as_saved(std::uint64_t check);
    void save_items();

    const Parts parts_;
    const replication::Setup setup_;
    const replication::Events events_;
    std::unique_ptr<MemoryFile> memory_file_;  // null: items do not survive a restart
    // The store reports to the replicator's sink until it is gone.
    std::unique_ptr<replication::Replicator> replicator_;
    std::unique_ptr<storage::Store> store_;
    std::unique_ptr<Maintenance> maintenance_;
};

}  // namespace twincached::app
