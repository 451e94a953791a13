// What an operator may decide of the pair. The rows fill this struct and four periods of Timing;
// every member has its default in its row. Plain values. Addresses are texts, which the driver, who
// owns the sockets, takes apart.
#pragma once

#include "lib/option_row.hpp"
#include "lib/option_structs.hpp"
#include "lib/option_value.hpp"
#include "lib/tls_context.hpp"
#include "replication/pair/timing.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twincached::replication::pair {

// Of the name of the pair, in bytes: it is told before anything is proved, and what is longer is
// taken for no CHALLENGE.
inline constexpr std::size_t cluster_name_limit = 255;

// What a node that was the secondary does when its peer falls silent, which may be a cut link with
// a peer alive behind it.
enum class OnSplit : std::uint8_t { both_serve, secondary_read_only, secondary_closed };

// What a node does with its items when the peer is lost without a goodbye.
enum class OnPeerCrash : std::uint8_t { keep, flush };

// The other node may be a repcached, which is about to be replaced.
struct LegacyOptions {
    bool is_on{};    // it is listened to and called; else nothing of it is reachable
    bool applies{};  // what it says is taken over
};

struct PairOptions {
    std::string peer;          // host, host:port, [address]:port
    std::int32_t peer_port{};  // if `peer` names none
    std::string link_listen;   // port, host:port, [address]:port
    std::string node;          // a, b; empty: by address
    OnSplit on_split{};
    OnPeerCrash on_peer_crash{};
    std::int32_t link_protocol{};                // the newest version to speak
    std::uint64_t sync_rate_bytes{};             // per second, of a resync; 0: no limit
    std::chrono::milliseconds scrub_interval{};  // 0: never
    std::chrono::milliseconds clock_max_ahead{};
    bool legacy{};  // see LegacyOptions
    bool legacy_applies{};
    bool link_tls{};
    std::string link_certificate;
    std::string link_key;
    std::string link_ca;
    std::string link_peer_name;
    std::vector<std::string> link_peer_fingerprints;
};

inline LegacyOptions legacy_of(const PairOptions& options) noexcept {
    return {options.legacy, options.legacy_applies};
}

std::span<const lib::OptionRow> pair_option_rows() noexcept;

inline PairOptions default_options() {
    return lib::option_defaults<PairOptions>(pair_option_rows());
}
inline Timing default_timing() {
    return lib::option_defaults<Timing>(pair_option_rows());
}

// Each is well by itself, but together they make no sense.
std::vector<lib::OptionProblem> problems_of(const lib::OptionStructs& options);

// A sentence if resyncs would hardly come to an end; whatever the driver is.
std::optional<std::string> regret_of_sync_rate(const PairOptions& options);

// There is a peer: a node without one is alone, whatever else is decided of the pair.
bool is_pair(const lib::OptionStructs& options) noexcept;

// The shortest pause of this node after which the peer may have taken over; 0: there is none.
std::chrono::milliseconds patience_of_peer(const lib::OptionStructs& options);

// What the peer is shown, and who it must be; none: the link is not encrypted.
std::optional<lib::TlsSettings> link_tls_settings(const lib::OptionStructs& options);

// What both nodes should be set to alike, as an operator writes it: each tells the other.
std::string settings_to_compare(const lib::OptionStructs& options);

}  // namespace twincached::replication::pair
