// What all conversations of a server share: the store, the settings, the counters, and a way to
// ask the rest of the server for what only it knows. Protocol defines it, app implements it.
#pragma once

#include "lib/counters.hpp"
#include "lib/function_ref.hpp"
#include "protocol/execution/client_memory.hpp"
#include "protocol/execution/passwords.hpp"
#include "protocol/execution/reported_settings.hpp"
#include "protocol/observation/hot_keys.hpp"
#include "protocol/observation/prefix_stats.hpp"
#include "protocol/observation/watch_log.hpp"
#include "storage/size_classes.hpp"
#include "storage/store.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::protocol {

using StatVisitor = lib::FunctionRef<void(std::string_view key, std::string_view value)>;

// Raised by the thread that serves the connection; summed by whoever reports.
enum class Count : std::uint8_t {
    cmd_get,
    cmd_set,
    cmd_flush,
    cmd_touch,
    cmd_meta,
    get_hits,
    get_misses,
    get_expired,
    get_flushed,
    delete_hits,
    delete_misses,
    incr_hits,
    incr_misses,
    decr_hits,
    decr_misses,
    cas_hits,
    cas_misses,
    cas_badval,
    touch_hits,
    touch_misses,
    store_too_large,
    store_no_memory,
    auth_cmds,
    auth_errors,
    bytes_read,
    bytes_written,
    conn_yields,
    idle_kicks,
    request_timeouts,  // requests that were not complete in time
    write_timeouts,    // clients that did not read their answers
    response_obj_oom,  // answers, and
    read_buf_oom,      // requests, that there was no memory left to hold
    malloc_fails,      // the system had no memory for a client
    tls_sessions,      // handshakes that were not resumptions
    tls_handshake_errors,
    tls_protocol_errors,
    udp_requests,
    udp_dropped,  // requests and answers
    count_
};
// Per size class, for `stats slabs`.
enum class ClassCount : std::uint8_t {
    get_hits,
    cmd_set,
    delete_hits,
    incr_hits,
    decr_hits,
    cas_hits,
    cas_badval,
    touch_hits,
    count_
};

struct ThreadCounters {
    lib::Counters<Count> totals;
    std::array<lib::Counters<ClassCount>, storage::size_class_limit> classes;
    HotSampler sampler;  // of the thread
    ClientMemory memory;
};

// Whether answers to changes wait until the peer has them (ack mode `received`): those of all
// commands that came together, or each, so that it can be turned into an error.
enum class Confirmation : std::uint8_t { none, of_bursts, of_each_change };

struct Settings {
    std::uint32_t requests_per_event = 20;  // -R
    std::uint64_t item_size_limit_bytes = 1 << 20;
    bool cas_enabled = true;        // -C turns it off
    bool flush_enabled = true;      // -F
    bool dump_enabled = true;       // -X
    bool shutdown_enabled = false;  // -A
    bool watch_enabled = true;      // -W
    std::size_t output_high_water_bytes = 256 * 1024;
    bool ascii = true;            // -B auto or ascii
    bool binary = true;           // -B auto or binary
    char prefix_delimiter = ':';  // -D
    bool sasl_required = false;   // -S: clients of the binary protocol must log in
    bool login_required = false;  // -Y: clients of the text protocol must
    bool track_sizes = false;     // -o track_sizes: `stats sizes` tells them
    bool test_commands = false;   // --test-commands: there is `debugtime`
    Confirmation confirmation = Confirmation::none;
};

// What the conversations of a server share among themselves; nobody else needs it.
struct SharedState {
    // Changes are refused: another node may be accepting them out of sight (on-split).
    std::atomic<bool> read_only{false};
    PrefixStats prefixes;
    WatchLog watch_log;
    Credentials login_credentials;  // of the text protocol
    Credentials sasl_credentials;
    HotKeys hot_keys;
    ReportedSettings reported;
    // Told to walk by `lru_crawler crawl`, or to dump; for reports.
    std::atomic<std::uint64_t> crawler_starts{0};
    // Answers of `lru_crawler enable|disable` depend on it, and nothing else: expiry in the
    // background is the store's business and cannot be switched off.
    std::atomic<bool> crawler_enabled{true};
    // For reports. Whoever starts the server with -f or -n replaces it before the first
    // conversation; after that it does not change.
    storage::SizeClasses size_classes{1.25, 48};
};

// What `debugtime` does to the server's clocks.
struct ClockChange {
    enum class Kind : std::uint8_t { move, pause, resume };
    Kind kind = Kind::move;
    std::int64_t seconds = 0;  // of a move; either direction
};

struct CertificateRefresh {
    bool has_tls = false;
    std::string problem{};  // a sentence; empty: done
};

// Implemented by app. Any io thread may call any member.
class Service {
  public:
    virtual ~Service() = default;

    virtual storage::Store& store() noexcept = 0;
    virtual const Settings& settings() const noexcept = 0;
    virtual std::string_view version() const noexcept = 0;  // "1.6.45 twincached/0.1.0"

    // Sums of all threads' counters since start or `stats reset`.
    virtual std::uint64_t total(Count name) const noexcept = 0;
    virtual std::uint64_t total(unsigned size_class, ClassCount name) const noexcept = 0;
    virtual void reset_counters() noexcept = 0;

    // Keys of `stats` that only the process knows: pid, uptime, connections, threads, rusage...
    virtual void process_stats(StatVisitor visit) const = 0;
    virtual void settings_stats(StatVisitor visit) const = 0;
    virtual void connection_stats(StatVisitor visit) const = 0;
    virtual void replication_stats(StatVisitor visit) const = 0;

    virtual void set_verbosity(unsigned level) noexcept = 0;
    // A client asked the server to stop (shutdown, only if enabled).
    virtual void request_shutdown(bool graceful) noexcept = 0;
    // A client asked for certificates to be read again. Blocks for as long as that takes.
    virtual CertificateRefresh refresh_certificates() { return {}; }
    virtual void change_clock(const ClockChange&) noexcept {}

    SharedState& shared() noexcept { return shared_; }
    const SharedState& shared() const noexcept { return shared_; }

  private:
    SharedState shared_;
};

}  // namespace twincached::protocol
