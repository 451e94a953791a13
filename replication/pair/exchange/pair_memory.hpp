// What a node of a pair takes with it over a warm restart: which incarnation it is, how far it has
// come with which incarnation of its peer, and, of every bucket, what the peer has not been told
// (rule R15 of REPLICATION.md). The change log is folded into the buckets first, so this has a
// fixed size. Bytes in, bytes out; the exchange owns what they mean.
#pragma once

#include "replication/changes/change_sink.hpp"
#include "replication/pair/exchange/standing.hpp"
#include "storage/store.hpp"
#include "storage/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

// Incarnations of the peer that this one has followed, oldest first; 0 = none. One of them that
// comes back was put back: a machine that was set back to before the restart of its process.
constexpr std::size_t former_peers_limit = 8;
using FormerPeers = std::array<std::uint64_t, former_peers_limit>;

struct PairMemory {
    std::uint64_t epoch = 0;
    std::uint64_t node = 0;
    std::uint64_t peer_epoch = 0;
    FormerPeers former_peers{};
    SharedPast past;
    storage::Version split = 0;
    bool alone = false;  // there was no session when the node was told to stop
    // Its items are those of a node that stood alone, and no peer has confirmed them yet.
    bool adopted = false;
};

// Folds the sink's logs. REQUIRES: no session; `store` was built with that sink.
std::string write_memory(const PairMemory& memory, ChangeSink& sink, storage::Store& store);

// Gives the sink's buckets their state back; nothing, and the sink unchanged, if the bytes are not
// exactly what write_memory made, or tell of a version that the gate does not let pass.
std::optional<PairMemory> read_memory(std::string_view bytes, const storage::VersionGate& gate,
                                      ChangeSink& sink, storage::Store& store);

}  // namespace twincached::replication::pair
