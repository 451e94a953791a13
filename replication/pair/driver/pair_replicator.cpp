#include "replication/pair/driver/pair_replicator.hpp"

#include "replication/changes/change_sink.hpp"
#include "replication/pair/driver/driver_addresses.hpp"
#include "replication/pair/driver/driver_options.hpp"
#include "replication/pair/driver/link_loop.hpp"
#include "replication/pair/link/pair_stats.hpp"
#include "replication/replication_options.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace twincached::replication::pair {
namespace {

unsigned node_of(const Setup& setup, const LinkPlaces& places, const Addresses& peer) {
    const auto& configured = setup.options.get<Options>().node;
    const bool alone = places.peer.host.empty() && configured.empty();
    return alone ? node_a : find_node(configured, places, peer);
}

AckGate* make_gate(std::optional<AckGate>& gate, const Setup& setup) {
    const auto& shared = setup.options.get<replication::Options>();
    if (shared.ack != AckMode::received || !is_pair(setup.options)) return nullptr;
    return &gate.emplace(setup.shards, setup.options.get<AckGate::Options>());
}

// The control thread's, but for what the interface says is any thread's.
class PairReplicator final : public Replicator {
  public:
    PairReplicator(const Setup& setup, Events events, LinkPlaces places, Addresses peer);
    ~PairReplicator() override { stop(); }

    storage::MutationSink& sink() noexcept override { return sink_; }
    std::optional<unsigned> node() const noexcept override { return node_; }
    AckGate* ack_gate() noexcept override { return gate_ ? &*gate_ : nullptr; }
    void start(storage::Store& store) override;
    void drain() override;
    void stop() noexcept override { loop_.stop(); }
    std::string remember(storage::Store&) override { return loop_.engine().remember(); }
    lib::Parsed<Recall> recall(const Remembered& memory, storage::Store& store) override;
    void reload(const Reloaded& fresh) override;
    void stats(lib::FigureVisitor visit) const override;

  private:
    bool has_peer() const noexcept { return !places_.peer.host.empty(); }

    const Setup setup_;
    const Events events_;
    const LinkPlaces places_;
    const unsigned node_;
    std::optional<AckGate> gate_;
    ChangeSink sink_;
    LinkLoop loop_;
    bool drain_began_ = false;
    std::atomic<OnSplit> on_split_;
};

PairReplicator::PairReplicator(const Setup& setup, Events events, LinkPlaces places, Addresses peer)
    : setup_(setup),
      events_(std::move(events)),
      places_(std::move(places)),
      node_(node_of(setup, places_, peer)),
      sink_(setup.shards, setup.options.get<replication::Options>().log_memory_bytes,
            make_gate(gate_, setup)),
      loop_({.places = places_,
             .own = specific_address(places_.listen.host),
             .has_secret = !setup.secret.empty(),
             .answers_wait = gate_.has_value(),
             .tls = setup.tls,
             .events = events_},
            engine_options(setup, node_), sink_, std::move(peer)),
      on_split_(setup.options.get<Options>().on_split) {
    sink_.set_wake([this] { loop_.wake(); });
}

void PairReplicator::start(storage::Store& store) {
    loop_.engine().attach(store);
    loop_.start();
    const bool is_known_by_address_alone = has_peer() && setup_.secret.empty() && !setup_.tls;
    if (!is_known_by_address_alone || !events_.log) return;
    events_.log(LogLevel::warning, "no secret is set: whoever can use the address of " +
                                       places_.peer.host +
                                       " can read and change this cache over the link");
}

void PairReplicator::drain() {
    if (!loop_.is_running() || std::exchange(drain_began_, true)) return;
    // The engine keeps the limit itself; a second more is for its goodbye.
    loop_.drain(setup_.options.get<replication::Options>().drain_timeout + std::chrono::seconds(1));
}

// The other node's items would make two of one; what was hashed by another secret is in other
// buckets.
lib::Parsed<Recall> PairReplicator::recall(const Remembered& memory, storage::Store& store) {
    auto& engine = loop_.engine();
    engine.attach(store);
    if (!memory.node) {
        engine.adopt();
        return Recall::anew;
    }
    if (*memory.node != node_)
        return std::string("it was saved by another kind of node (the other one of the pair)");
    if (!memory.hashes_alike) return std::string("the pair's secret was another one");
    if (!engine.recall(memory.bytes))
        return std::string("what it says of the pair is of another driver or another version");
    return Recall::continued;
}

void PairReplicator::reload(const Reloaded& fresh) {
    if (fresh.tls) loop_.use_tls(fresh.tls);
    if (fresh.options == nullptr) return;
    const auto policy = fresh.options->get<Options>().on_split;
    if (on_split_.exchange(policy) != policy) loop_.set_on_split(policy);
}

void PairReplicator::stats(lib::FigureVisitor visit) const {
    PairReport report;
    report.node = node_;
    if (has_peer()) {
        report.peer = text_of(places_.peer);
        report.listen = text_of(places_.listen);
    }
    report.software_version = setup_.software_version;
    report.has_secret = !setup_.secret.empty();
    report.has_tls = setup_.tls != nullptr;
    report.gate = gate_ ? &*gate_ : nullptr;
    report.exchange = loop_.exchange_stats();
    report.link = loop_.report();
    visit_stats(report, visit);
}

}  // namespace

std::vector<std::string> warnings_of(const Setup& setup) {
    const auto places = link_places(setup);
    const bool is_exposed = !is_loopback(places.peer.host) || !is_loopback(places.listen.host);
    const bool is_proved = !setup.secret.empty() || setup.tls != nullptr;
    if (places.peer.host.empty() || !is_exposed || is_proved) return {};
    return {"secret-file: no secret is set: whoever can use the address of " + places.peer.host +
            " can read and change this cache over the link"};
}

std::unique_ptr<Replicator> make_pair_replicator(const Setup& setup, Events events) {
    auto places = link_places(setup);
    const auto& host = places.peer.host;
    auto peer = host.empty() ? Addresses{} : resolve_now(host);
    return std::make_unique<PairReplicator>(setup, std::move(events), std::move(places),
                                            std::move(peer));
}

}  // namespace twincached::replication::pair
