// What makes replication pluggable: a replicator gives the store its mutation sink, gets the
// store, and from then on keeps it in step with whatever it talks to. Start-up has no cycle:
//
//     auto replicator = make_replicator(options, events);   // the sink exists
//     Store store(..., replicator->sink());                 // the store reports to it
//     replicator->start(store);                             // its thread runs
//
// Destroy in reverse order; `stop` ends the thread.
#pragma once

#include "lib/figure_row.hpp"
#include "lib/result.hpp"
#include "lib/tls_context.hpp"
#include "replication/ack_gate.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

// What a node that was the secondary does when its peer falls silent, which may be a cut link with
// a peer alive behind it.
enum class OnSplit : std::uint8_t { both_serve, secondary_read_only, secondary_closed };

// What clients may do.
enum class Access : std::uint8_t { open, read_only, closed };

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
};

struct Options {
    std::string driver = "none";         // none | pair
    std::string cluster = "twincached";  // both nodes' must be equal
    std::string peer_host;               // empty: nobody to dial, and so nobody to accept
    std::uint16_t peer_port = 11212;
    std::string listen_host;  // empty: all interfaces
    std::uint16_t listen_port = 11212;
    std::string node;    // "a", "b" or "" = by address: the lower end is a
    std::string secret;  // empty: the peer is known by its address alone
    std::uint64_t log_memory_bytes = 64ULL << 20;
    std::uint64_t sync_rate_bytes = 0;            // per second, of a resync; 0 = no limit
    std::chrono::milliseconds scrub_interval{0};  // 0: never
    std::chrono::milliseconds boot_grace{3000};
    std::chrono::milliseconds heartbeat{200};
    std::chrono::milliseconds silence{1000};
    std::chrono::milliseconds sync_serve_timeout{300000};
    std::chrono::milliseconds drain_timeout{5000};
    std::chrono::hours clock_max_ahead{24};
    OnSplit on_split = OnSplit::both_serve;
    bool flush_on_peer_crash = false;  // else the survivor keeps what it has
    bool ack_received = false;         // answers to changes wait for the peer
    AckGate::Options ack{};
    std::uint64_t item_size_limit_bytes = 1ULL << 20;
    std::string software_version;
    std::uint16_t link_protocol = 0;  // the newest version to speak; 0: that of this program
    // How this node is set, as an operator writes it: the peer says so if it is set otherwise.
    std::string settings;
    std::shared_ptr<const lib::TlsContext> tls;  // of the link; null: none
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
    anew,       // to a node of which no other has heard: all is compared
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

    // Any thread. A node that is kept from serving by the old policy serves.
    virtual void set_on_split(OnSplit) {}

    // Connections that begin from now on use another certificate. Any thread. REQUIRES: the options
    // had one.
    virtual void use_tls(const std::shared_ptr<const lib::TlsContext>&) {}

    // `stats replication`: every figure and its value, in a stable order; those of
    // driver_figures.hpp are among them. Any thread.
    virtual void stats(lib::FigureVisitor visit) const = 0;
};

}  // namespace twincached::replication
