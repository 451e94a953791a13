// One node of the simulated pair: a real store, a real sink, a real exchange, a clock of its own.
#pragma once

#include "lib/byte_buffer.hpp"
#include "lib/hash.hpp"
#include "lib/random.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/records/frame.hpp"
#include "storage/store.hpp"
#include "test/simulation/history.hpp"
#include "test/simulation/observer.hpp"
#include "test/simulation/sim_memory.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::simulation {

struct SimClock {
    std::uint64_t steady_start_ms = 5000;
    std::uint64_t version_start_ms = 1'000'000;
    double drift = 1.0;                // of the steady clock
    std::int64_t version_step_ms = 0;  // so far

    storage::Now now(std::uint64_t world_ms) const noexcept;
};

struct NodeOptions {
    unsigned number = 0;
    unsigned shards = 1;
    std::size_t log_bytes = 1U << 20;
    std::uint64_t memory_bytes = 8U << 20;
    std::uint64_t item_size_limit_bytes = 1U << 20;
    std::uint64_t epoch = 1;
    Defect defect = Defect::none;
    std::size_t digest_run = 0;
    std::vector<storage::BucketNumber> used_buckets;  // others are taken as known to be empty
};

class SimNode {
  public:
    SimNode(const NodeOptions& options, const lib::KeyedHash& hash, History& history);
    ~SimNode();

    storage::Store& store() noexcept { return *store_; }
    replication::pair::Exchange& exchange() noexcept { return *exchange_; }
    replication::ChangeSink& sink() noexcept { return *sink_; }
    replication::AckGate& gate() noexcept { return gate_; }
    unsigned number() const noexcept { return options_.number; }

    // Warm restart: the node is of no use after the first, and must be new for the second.
    SimMemory remember(bool alone);
    void recall(const SimMemory& memory, const storage::Now& now);

    void begin(const replication::pair::Standing& peer, const storage::Now& now);
    // What a full shard would do to make room.
    void evict(std::string_view key, const storage::Now& now);
    // Bytes of the link. False: the exchange refused a frame.
    bool receive(std::string_view bytes, const storage::Now& now);
    void forget_bytes() { received_.clear(); }

    // How often a client's use was told to the sink.
    std::uint64_t uses() const noexcept;
    // XOR of all digests.
    std::uint64_t digest();

  private:
    bool receive_frame(const replication::Frame& frame, const storage::Now& now);
    bool receive_acks_first(const storage::Now& now);
    void check_heard(std::string_view batch, const storage::Now& now);
    void note_refusal(std::string_view segment, const storage::Now& now);
    void note_doubts(std::string_view list, const storage::Now& now);
    storage::Version held_version(std::string_view key, const storage::Now& now);
    void forget_unused_buckets();

    NodeOptions options_;
    History& history_;
    replication::AckGate gate_;
    std::unique_ptr<replication::ChangeSink> sink_;
    std::unique_ptr<Observer> observer_;
    std::unique_ptr<storage::Store> store_;
    std::unique_ptr<replication::pair::Exchange> exchange_;
    lib::ByteBuffer received_;
};

}  // namespace twincached::simulation
