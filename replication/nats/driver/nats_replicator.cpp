#include "replication/nats/driver/nats_replicator.hpp"

#include "lib/mutex.hpp"
#include "replication/ack_gate.hpp"
#include "replication/nats/driver/nats_loop.hpp"
#include "replication/nats/driver/nats_stats.hpp"
#include "replication/nats/removals/cluster_sink.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/replication_options.hpp"

#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace twincached::replication::nats {
namespace {

using std::chrono::milliseconds;

// Of the memory for what others have not heard, what may be used to remember removals.
constexpr std::uint64_t removals_share = 4;
constexpr std::uint64_t removals_least_bytes = 64U << 10;
// The broker refuses consumers whose heartbeats come more often.
constexpr milliseconds heartbeat_least{100};

// Another one in each life: what an earlier life of this node has said is not what this one said.
std::uint64_t random_number() {
    std::uint64_t number = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) != 1)
        throw std::runtime_error("the system gives no random numbers");
    return number;
}

// For people who look for it.
std::string place_of_this() {
    std::array<char, 65> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host = {'?'};
    return std::string(host.data()) + ", process " + std::to_string(::getpid());
}

std::uint64_t removals_bytes(const Setup& setup) {
    const auto memory = setup.options.get<ReplicationOptions>().log_memory_bytes;
    return std::max(memory / removals_share, removals_least_bytes);
}

ClusterOptions cluster_options(const Setup& setup) {
    const auto& chosen = setup.options.get<NatsOptions>();
    const auto& timing = setup.options.get<pair::Timing>();
    const auto& shared = setup.options.get<pair::PairOptions>();
    const auto names = names_of(setup.options);
    ClusterOptions cluster;
    cluster.node = names.node;
    cluster.incarnation = random_number();
    cluster.streams = {names.stream};
    for (const auto& site : names.others)
        cluster.streams.push_back(stream_of(names.cluster, site.name));
    cluster.heartbeat = timing.heartbeat;
    cluster.member_timeout = chosen.member_timeout;
    cluster.boot_grace = timing.boot_grace;
    cluster.sync_serve = timing.sync_serve;
    cluster.batch_bytes = chosen.batch_bytes;
    cluster.removals_bytes = removals_bytes(setup);
    cluster.sync_rate_bytes = shared.sync_rate_bytes;
    cluster.clock_max_ahead_ms = static_cast<std::uint64_t>(shared.clock_max_ahead.count());
    return cluster;
}

void use_files(BrokerAccess& access, const lib::TlsSettings& settings) {
    access.tls_ca = settings.ca_file;
    access.tls_certificate = settings.chain_file;
    access.tls_key = settings.key_file;
}

BrokerAccess access_to_broker(const lib::OptionStructs& options) {
    const auto& chosen = options.get<NatsOptions>();
    const auto& link = options.get<pair::PairOptions>();
    const auto names = names_of(options);
    BrokerAccess access;
    for (const auto& server : chosen.servers)
        access.servers.push_back(*server_url(server));
    access.name = "twincached " + names.cluster + " " + std::to_string(names.node);
    access.user = chosen.user;
    access.password_file = chosen.password_file;
    access.token_file = chosen.token_file;
    access.credentials = chosen.credentials;
    access.inbox_prefix = chosen.inbox_prefix;
    access.tls = link.link_tls;
    access.tls_ca = link.link_ca;
    access.tls_certificate = link.link_certificate;
    access.tls_key = link.link_key;
    access.tls_name = link.link_peer_name;
    access.silence = options.get<pair::Timing>().silence;
    return access;
}

JetStreamBroker::Settings broker_settings(const Setup& setup) {
    const auto& chosen = setup.options.get<NatsOptions>();
    const auto silence = setup.options.get<pair::Timing>().silence;
    JetStreamBroker::Settings settings;
    settings.names = names_of(setup.options);
    settings.stream = {static_cast<unsigned>(chosen.replicas), chosen.storage, chosen.max_age,
                       chosen.max_bytes, 2 * chosen.member_timeout};
    settings.heartbeat = std::max(silence / 2, heartbeat_least);
    settings.identity = random_number();
    settings.place = place_of_this();
    return settings;
}

// Null where no answer waits for the broker.
AckGate* make_gate(std::optional<AckGate>& gate, const Setup& setup) {
    if (setup.options.get<ReplicationOptions>().ack != AckMode::received) return nullptr;
    return &gate.emplace(setup.shards, setup.options.get<AckGate::Options>());
}

// The control thread's, but for what the interface says is any thread's.
class NatsReplicator final : public Replicator {
  public:
    NatsReplicator(const Setup& setup, Events events)
        : setup_(setup),
          events_(std::move(events)),
          sink_(setup.shards, setup.options.get<ReplicationOptions>().log_memory_bytes,
                make_gate(gate_, setup), removals_bytes(setup)),
          access_(access_to_broker(setup.options)),
          loop_({cluster_options(setup), access_, broker_settings(setup), events_}, sink_) {
        sink_.changes().set_wake([this] { loop_.wake(); });
    }
    ~NatsReplicator() override { stop(); }

    storage::MutationSink& sink() noexcept override { return sink_; }
    std::optional<unsigned> node() const noexcept override { return names_of(setup_.options).node; }
    AckGate* ack_gate() noexcept override { return gate_ ? &*gate_ : nullptr; }
    void start(storage::Store& store) override;
    void drain() override;
    void stop() noexcept override { loop_.stop(); }
    std::string remember(storage::Store&) override { return loop_.engine().remember(); }
    lib::Parsed<Recall> recall(const Remembered& memory, storage::Store& store) override;
    lib::Parsed<void> reload(const Reloaded& fresh) override;
    Ordered order(Order order) override;
    bool digests(storage::Store& store, storage::BucketNumber first,
                 std::span<std::uint64_t> digests) const override;
    void stats(lib::FigureVisitor visit) const override;

  private:
    const Setup setup_;
    const Events events_;
    std::optional<AckGate> gate_;
    ClusterSink sink_;
    mutable lib::Mutex access_mutex_;
    BrokerAccess access_ GUARDED_BY(access_mutex_);  // in force
    NatsLoop loop_;
    bool drain_began_ = false;
};

// The store is there, and no client is let in yet.
void NatsReplicator::start(storage::Store& store) {
    loop_.engine().attach(store);
    loop_.start();
    if (!events_.log) return;
    for (const auto& line : regrets(setup_.options))
        events_.log(LogLevel::warning, line);
}

// Blocks for as long as the broker takes what it lacks, at most `drain-timeout`.
void NatsReplicator::drain() {
    if (!loop_.is_running() || std::exchange(drain_began_, true)) return;
    loop_.drain(setup_.options.get<ReplicationOptions>().drain_timeout);
    const auto left = loop_.report().cluster.unacked;
    if (left == 0 || !events_.log) return;
    events_.log(LogLevel::warning,
                std::to_string(left) + " changes of this node have not reached the NATS servers");
}

// Another node's items carry its number; what was hashed by another secret is in other buckets.
lib::Parsed<Recall> NatsReplicator::recall(const Remembered& memory, storage::Store& store) {
    loop_.engine().attach(store);
    loop_.engine().at(events_.now());
    if (memory.node && *memory.node != *node())
        return std::string("it was saved by another node of the cluster");
    if (!memory.hashes_alike) return std::string("the cluster's secret was another one");
    return loop_.engine().recall(memory);
}

// Certificates come without options. Their content, as that of the files with passwords, is read by
// each connection for itself.
lib::Parsed<void> NatsReplicator::reload(const Reloaded& fresh) {
    if (fresh.secrets != nullptr) {
        return std::string(
            "the keys of a cluster hash by the secret: it is changed while all nodes are stopped");
    }
    const lib::MutexLock lock(access_mutex_);
    auto access = fresh.options == nullptr ? access_ : access_to_broker(*fresh.options);
    if (fresh.tls) use_files(access, fresh.tls->settings());
    if (access.servers.empty())
        return std::string("the NATS servers in use stay: a node of a cluster needs one");
    if (access == access_) return {};
    loop_.use(access);
    access_ = std::move(access);
    return {};
}

Ordered NatsReplicator::order(Order order) {
    if (!loop_.is_running()) return {false, "this node is starting: ask again"};
    if (order != Order::resync)
        return {false, "the nodes of a cluster are all alike: there is no primary"};
    loop_.resync();
    return {true, "all buckets are compared with another node's"};
}

// A shard's buckets lie side by side: each lock is taken once.
bool NatsReplicator::digests(storage::Store& store, storage::BucketNumber first,
                             std::span<std::uint64_t> digests) const {
    std::size_t number = 0;
    while (number < digests.size()) {
        const auto shard_at = [&](std::size_t i) {
            return store.shard_of_bucket(static_cast<storage::BucketNumber>(first + i));
        };
        const auto shard = shard_at(number);
        store.with_shard(shard, [&](storage::Shard&) {
            const auto& buckets = sink_.changes().shard(shard).buckets;
            for (; number < digests.size() && shard_at(number) == shard; ++number)
                digests[number] =
                    buckets.digest(static_cast<storage::BucketNumber>(first + number));
        });
    }
    return true;
}

void NatsReplicator::stats(lib::FigureVisitor visit) const {
    const auto names = names_of(setup_.options);
    NatsReport report;
    report.node = loop_.report();
    report.gate = gate_ ? &*gate_ : nullptr;
    report.cluster = names.cluster;
    report.stream = names.stream;
    {
        const lib::MutexLock lock(access_mutex_);
        for (const auto& server : access_.servers) {
            report.servers += (report.servers.empty() ? "" : ", ") + server;
            report.has_tls = report.has_tls || wants_tls(access_, server);
        }
    }
    // Of a node that was never started nothing is older than the rest.
    report.now_ms = report.node.made_at_ms;
    if (report.now_ms != 0) report.now_ms = events_.now().steady_ms;
    visit_stats(report, visit);
}

}  // namespace

std::vector<std::string> warnings_of(const Setup& setup) {
    return regrets(setup.options);
}

std::vector<std::string> warnings_from_outside(const Setup& setup) {
    return files_to_come(setup.options);
}

std::unique_ptr<Replicator> make_nats_replicator(const Setup& setup, Events events) {
    return std::make_unique<NatsReplicator>(setup, std::move(events));
}

}  // namespace twincached::replication::nats
