// What makes replication pluggable: a replicator gives the store its mutation sink, gets the
// store, and from then on keeps it in step with whatever it talks to. Start-up has no cycle:
//
//     auto replicator = make_replicator(setup, events);     // the sink exists
//     Store store(..., replicator->sink());                 // the store reports to it
//     replicator->start(store);                             // its thread runs
//
// Destroy in reverse order; `stop` ends the thread.
#pragma once

#include "lib/figure_row.hpp"
#include "lib/option_structs.hpp"
#include "lib/result.hpp"
#include "lib/tls_context.hpp"
#include "replication/ack_gate.hpp"
#include "replication/replication_options.hpp"
#include "storage/arbiter.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace twincached::replication {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

// What clients may do.
enum class Access : std::uint8_t { open, read_only, closed };

// The other node became the primary, or this one did. Nodes by the names that they have among
// themselves; empty: not known.
struct RoleChange {
    std::string from;  // who was it before; empty: this node had not met it
    std::string to;
    std::string here;  // this node
    std::string why;
    std::uint64_t unconfirmed = 0;  // changes of this node's that no other had confirmed then
};

// What a replicator tells its surroundings. Called on the replication thread; must not block.
struct Events {
    // One line per event; never a value, never a secret.
    std::function<void(LogLevel, std::string_view)> log;
    // The node may serve clients: synchronised, or alone by decision. Called once.
    std::function<void()> ready;
    // What clients may do from now on; until it is first called they may do everything.
    std::function<void(Access)> access;
    // One reading of the node's clocks; the same clock that sessions use.
    std::function<storage::Now()> now;
    // Null: nobody wants to know.
    std::function<void(const RoleChange&)> role_changed = {};
    // The replication thread begins: what it may ask of the system. Null: nothing.
    std::function<void()> thread_began = {};
};

// What a driver is made of. `options` are those of all modules, of which it takes its own, and must
// outlive it.
struct Setup {
    const lib::OptionStructs& options;
    std::string secret = {};        // what the nodes know and nobody else; empty: there is none
    std::string old_secret = {};    // known as well while it is exchanged; empty: none
    unsigned shards = 1;            // of the store to come; see storage::planned_shard_count
    std::string clients_host = {};  // where clients find this node, if that is one address alone
    std::string software_version = {};  // for other nodes and for reports
    // As ReplicatorFactory::tls wanted it; null: none.
    std::shared_ptr<const lib::TlsContext> tls = {};
};

// What is in force from now on; null: as before.
struct Reloaded {
    const lib::OptionStructs* options = nullptr;      // for as long as the call lasts
    std::shared_ptr<const lib::TlsContext> tls = {};  // for connections that begin from now on
    const Secrets* secrets = nullptr;                 // the same, for as long as the call lasts
};

// What a file of saved items says of the replicator under which they were saved: that of this
// driver, of another, or of none.
struct Remembered {
    std::string_view bytes;  // what remember() gave
    // The number in the versions of the node that saved them; none: it stood alone.
    std::optional<unsigned> node;
    bool hashes_alike = true;  // keys hash now as they did then
};

// How items come back.
enum class Recall : std::uint8_t {
    continued,  // to the node that they left: what others have of them is known
    compared,   // to the node that they left: all is compared with another that has gone on
    anew,       // to a node of which no other has heard: all is compared
};

// What an operator tells a node while it runs.
enum class Order : std::uint8_t {
    promote,      // this node is the primary from now on
    switch_over,  // the other of the two is, as soon as it has what the primary has
    resync,       // all is compared again
};
// What becomes of it: a sentence that says what follows, or why nothing does.
struct Ordered {
    bool is_taken = false;
    std::string sentence;
};

class Replicator {
  public:
    virtual ~Replicator() = default;

    virtual storage::MutationSink& sink() noexcept = 0;
    // The node number that versions carry; none for a node alone. Known before `start`.
    virtual std::optional<unsigned> node() const noexcept = 0;
    // Starts the replication thread. Throws std::system_error if, for example, the link's port is
    // taken. A driver without a peer reports `ready` from here.
    virtual void start(storage::Store& store) = 0;
    // What answers to changes must pass; null: they wait for nothing (ack = async).
    virtual AckGate* ack_gate() noexcept { return nullptr; }
    // Who may decide clients' changes in the store's place; null: nobody ever does.
    virtual storage::Arbiter* arbiter() noexcept { return nullptr; }
    // Sends what is still to be sent, says goodbye, for at most the drain timeout. Blocks.
    virtual void drain() = 0;
    // Ends the thread. Blocks. Harmless if never started.
    virtual void stop() noexcept = 0;

    // Warm restart: what must be known again of other nodes if this one's items come back. After
    // stop(); the store must not change any more. Opaque to everybody else.
    virtual std::string remember(storage::Store& store) = 0;
    // Before start(), and before any item is put back, for their return must be told to the sink
    // of a replicator that remembers. An error is a sentence that says why no item may be put back:
    // another node may have removed some since, and nobody can tell which. Replicator and store
    // must be built anew then.
    virtual lib::Parsed<Recall> recall(const Remembered& memory, storage::Store& store) = 0;

    // Rows with `reloaded_by` have been read again, or certificates, or secrets. Any thread.
    // The error is a sentence that says why this driver cannot; then nothing has changed.
    // REQUIRES: where a secret is now, there was a secret.
    virtual lib::Parsed<void> reload(const Reloaded&) { return {}; }

    // Any thread. Judged by how things were a moment ago; what changed since is a line in the log.
    // What is taken has begun, and ends by itself.
    virtual Ordered order(Order) {
        return {false, "no peer is configured: this node is alone, and the primary"};
    }

    // The wall clock of the node that this one is compared with, as what it is ahead of this node's
    // steady clock, in ms since 2025; also of one that was met and is gone. None: nobody was met.
    // Any thread.
    virtual std::optional<std::int64_t> peer_clock() const { return std::nullopt; }

    // Of the buckets from `first` on, what tells two nodes that hold the same versions of the same
    // keys from two that do not; changes on their way make them differ for a moment. False: this
    // driver keeps none. Any thread; asks each shard for a moment.
    virtual bool digests(storage::Store&, storage::BucketNumber, std::span<std::uint64_t>) const {
        return false;
    }

    // `stats replication`: every figure and its value, in a stable order; those of
    // driver_figures.hpp are among them. Any thread.
    virtual void stats(lib::FigureVisitor visit) const = 0;
};

}  // namespace twincached::replication
