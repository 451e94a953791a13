#include "replication/pair/driver/pair_replicator.hpp"

#include "lib/durations.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/driver/driver_addresses.hpp"
#include "replication/pair/driver/driver_options.hpp"
#include "replication/pair/driver/link_listener.hpp"
#include "replication/pair/driver/link_loop.hpp"
#include "replication/pair/driver/name_resolver.hpp"
#include "replication/pair/link/pair_stats.hpp"
#include "replication/pair/node_identity.hpp"
#include "replication/replication_options.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace twincached::replication::pair {
namespace {

// A name service that answers at all has answered by then; one that does not holds up neither the
// start nor the end of the process.
constexpr std::chrono::milliseconds name_patience{250};

// What is known of the two ends of the link when the node is made.
struct Ends {
    explicit Ends(const Setup& setup)
        : places(link_places(setup)),
          own(specific_address(places.listen.host)),
          peer(peer_now()),
          node(node_of(setup)) {}

    Addresses peer_now() const {
        const auto& host = places.peer.host;
        return host.empty() ? Addresses{} : found_within(name_patience, host, addresses_of);
    }
    // Throws if the operator's own words make no pair.
    unsigned node_of(const Setup& setup) const {
        const auto& configured = setup.options.get<PairOptions>().node;
        if (places.peer.host.empty() && configured.empty()) return node_a;
        const bool is_name = !is_address(places.peer.host);
        const auto known = is_name ? of_others(peer, places, own) : peer;
        const auto found = find_node(configured, places, own, known);
        if (found.has_error()) throw std::invalid_argument(found.error());
        return *found;
    }

    LinkPlaces places;
    std::optional<boost::asio::ip::address> own;
    Addresses peer;
    unsigned node;  // may be undecided
};

// The two bits of a version that tell who wrote it. A node that does not know yet which of the two
// it is takes what the other will most likely not take.
unsigned number_of(const Ends& ends) {
    if (is_decided(ends.node)) return ends.node;
    return number_of_undecided(own_host_name(), ends.places.peer.host);
}

// No damage is so urgent that all items must be looked at more often.
constexpr std::chrono::seconds short_scrub_interval{1};

// What makes no pair, or not the one that was meant, although nothing is wrong with any option.
std::vector<std::string> regrets(const Setup& setup, const LinkPlaces& places) {
    std::vector<std::string> lines;
    const auto& options = setup.options.get<PairOptions>();
    if (places.peer.host.empty()) return lines;
    const bool names_tls = !options.link_certificate.empty() || !options.link_key.empty() ||
                           !options.link_ca.empty() || !options.link_peer_name.empty() ||
                           !options.link_peer_fingerprints.empty();
    if (names_tls && !options.link_tls) {
        lines.emplace_back(
            "tls of [replication] (--link-tls) is off: the link is not encrypted, although "
            "certificates or names are given for it");
    }
    if (options.legacy) {
        lines.push_back(
            "legacy of [replication] (--legacy) is on: whoever can use the address of " +
            places.peer.host + " can read and change this cache over the link, without any secret");
    }
    if (options.legacy && !options.legacy_applies) {
        lines.emplace_back(
            "apply of [replication] (--legacy-apply) is no: what a repcached holds is not taken "
            "over, and this node begins empty");
    }
    if (auto regret = regret_of_sync_rate(options)) lines.push_back(std::move(*regret));
    const auto scrub_interval = options.scrub_interval;
    if (scrub_interval.count() != 0 && scrub_interval < short_scrub_interval) {
        lines.push_back("scrub-interval is " + lib::duration_text(scrub_interval) +
                        ": all items are to be compared several times a second, and clients wait "
                        "for that; 0 is never");
    }
    return lines;
}

// The same of where the peer is. `found`: what its name stands for; empty: that is not known.
std::vector<std::string> regrets_of_peer(const LinkPlaces& places,
                                         const std::optional<boost::asio::ip::address>& own,
                                         const Addresses& found) {
    std::vector<std::string> lines;
    const auto& host = places.peer.host;
    if (host.empty()) return lines;
    const bool is_here = found.empty()
                             ? is_loopback(host)
                             : std::all_of(found.begin(), found.end(),
                                           [](const auto& at) { return at.is_loopback(); });
    if (is_loopback(places.listen.host) && !is_here) {
        lines.push_back("listen of [replication] (--link-listen): the link is at " +
                        text_of(places.listen) + ", from where " + host +
                        " cannot be reached, nor this node from there");
    }
    if (!found.empty() && of_others(found, places, own).empty()) {
        lines.push_back("peer (-x) " + host +
                        ": the name stands for no address but this node's own: a node that is to "
                        "be its own peer serves alone");
    }
    return lines;
}

// Null where no answer waits for the peer.
AckGate* make_gate(std::optional<AckGate>& gate, const Setup& setup) {
    const auto& shared = setup.options.get<replication::ReplicationOptions>();
    if (shared.ack != AckMode::received || !is_pair(setup.options)) return nullptr;
    return &gate.emplace(setup.shards, setup.options.get<AckGate::Options>());
}

std::int64_t steady_nanoseconds() noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::uint64_t in_microseconds(std::chrono::nanoseconds time) noexcept {
    using std::chrono::microseconds;
    return static_cast<std::uint64_t>(std::chrono::duration_cast<microseconds>(time).count());
}

EngineOptions engine_at(ArbitrationDesk& desk, EngineOptions options) {
    options.desk = &desk;
    return options;
}

// The control thread's, but for what the interface says is any thread's.
class PairReplicator final : public Replicator {
  public:
    PairReplicator(const Setup& setup, Events events);
    ~PairReplicator() override { stop(); }

    storage::MutationSink& sink() noexcept override { return sink_; }
    std::optional<unsigned> node() const noexcept override { return number_; }
    AckGate* ack_gate() noexcept override { return gate_ ? &*gate_ : nullptr; }
    storage::Arbiter* arbiter() noexcept override { return has_peer() ? &desk_ : nullptr; }
    void start(storage::Store& store) override;
    void drain() override;
    void stop() noexcept override { loop_.stop(); }
    std::string remember(storage::Store&) override { return loop_.engine().remember(); }
    lib::Parsed<Recall> recall(const Remembered& memory, storage::Store& store) override;
    lib::Parsed<void> reload(const Reloaded& fresh) override;
    Ordered order(Order order) override;
    std::optional<std::int64_t> peer_clock() const override { return loop_.report().peer_clock; }
    bool digests(storage::Store& store, storage::BucketNumber first,
                 std::span<std::uint64_t> digests) const override;
    void stats(lib::FigureVisitor visit) const override;

  private:
    PairReport report() const;
    bool has_peer() const noexcept { return !ends_.places.peer.host.empty(); }

    const Setup setup_;
    const Events events_;
    const Ends ends_;
    const unsigned number_;  // in versions
    std::optional<AckGate> gate_;
    ArbitrationDesk desk_;
    ChangeSink sink_;
    LinkLoop loop_;
    storage::Store* store_ = nullptr;  // null: not started
    bool drain_began_ = false;
    std::atomic<OnSplit> on_split_;
};

PairReplicator::PairReplicator(const Setup& setup, Events events)
    : setup_(setup),
      events_(std::move(events)),
      ends_(setup),
      number_(number_of(ends_)),
      sink_(setup.shards, setup.options.get<replication::ReplicationOptions>().log_memory_bytes,
            make_gate(gate_, setup)),
      loop_({.places = ends_.places,
             .configured_node = setup.options.get<PairOptions>().node,
             .own = ends_.own,
             .has_secret = !setup.secret.empty(),
             .answers_wait = gate_.has_value(),
             .tls = setup.tls,
             .lookup = addresses_of,
             .peer = ends_.peer,
             .events = events_},
            engine_at(desk_, engine_options(setup, ends_.node)), sink_),
      on_split_(setup.options.get<PairOptions>().on_split) {
    sink_.set_wake([this] { loop_.wake(); });
    desk_.set_wake([this] { loop_.wake(); });
    desk_.set_clock(steady_nanoseconds);
}

// The store is there, and no client is let in yet.
void PairReplicator::start(storage::Store& store) {
    store_ = &store;
    loop_.engine().attach(store);
    loop_.start();
    if (!events_.log) return;
    for (const auto& line : regrets(setup_, ends_.places))
        events_.log(LogLevel::warning, line);
    for (const auto& line : regrets_of_peer(ends_.places, ends_.own, ends_.peer))
        events_.log(LogLevel::warning, line);
    const bool is_known_by_address_alone = has_peer() && setup_.secret.empty() && !setup_.tls;
    if (!is_known_by_address_alone) return;
    events_.log(LogLevel::warning, "no secret is set: whoever can use the address of " +
                                       ends_.places.peer.host +
                                       " can read and change this cache over the link");
}

// Blocks for as long as the peer takes what it lacks, at most `drain-timeout`; then says what was
// left behind, if anything was.
void PairReplicator::drain() {
    if (!loop_.is_running() || std::exchange(drain_began_, true)) return;
    // The engine keeps the limit itself; a second more is for its goodbye.
    loop_.drain(setup_.options.get<replication::ReplicationOptions>().drain_timeout +
                std::chrono::seconds(1));
    const auto line =
        has_peer() ? left_behind(report(), store_->stats().total.items) : std::string();
    if (!line.empty() && events_.log) events_.log(LogLevel::warning, line);
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
    const bool are_both_decided = is_decided(*memory.node) && is_decided(engine.node());
    if (are_both_decided && *memory.node != engine.node())
        return std::string("it was saved by another kind of node (the other one of the pair)");
    if (!memory.hashes_alike) return std::string("the pair's secret was another one");
    if (!engine.recall(memory.bytes, events_.now()))
        return std::string("what it says of the pair is of another driver or another version");
    return Recall::continued;
}

// Each part is there or not: a renewed certificate comes without options. REQUIRES: where there is
// TLS now, there was TLS.
lib::Parsed<void> PairReplicator::reload(const Reloaded& fresh) {
    if (fresh.tls) loop_.use_tls(fresh.tls);
    if (fresh.secrets != nullptr) loop_.use_secrets(*fresh.secrets);
    if (fresh.options == nullptr) return {};
    loop_.set_arbitration(fresh.options->get<ArbitrationDesk::Options>().mode);
    loop_.set_legacy(legacy_of(fresh.options->get<PairOptions>()));
    const auto policy = fresh.options->get<PairOptions>().on_split;
    if (on_split_.exchange(policy) != policy) loop_.set_on_split(policy);
    return {};
}

// Judged by what the link last reported, some milliseconds ago; the engine judges it again.
Ordered PairReplicator::order(Order order) {
    const auto link = loop_.report();
    if (link.made_at == Instant(0)) return {false, "this node is starting: ask again"};
    const auto& facts = link.order_facts;
    auto objection = objection_to(order, facts);
    if (!objection.empty()) return {false, std::move(objection)};
    loop_.take(order);
    return {true, consequence_of(order, facts)};
}

// A shard's buckets lie side by side: each lock is taken once.
bool PairReplicator::digests(storage::Store& store, storage::BucketNumber first,
                             std::span<std::uint64_t> digests) const {
    std::size_t number = 0;
    while (number < digests.size()) {
        const auto shard_at = [&](std::size_t i) {
            return store.shard_of_bucket(static_cast<storage::BucketNumber>(first + i));
        };
        const auto shard = shard_at(number);
        store.with_shard(shard, [&](storage::Shard&) {
            const auto& buckets = sink_.shard(shard).buckets;
            for (; number < digests.size() && shard_at(number) == shard; ++number)
                digests[number] =
                    buckets.digest(static_cast<storage::BucketNumber>(first + number));
        });
    }
    return true;
}

void PairReplicator::stats(lib::FigureVisitor visit) const {
    visit_stats(report(), visit);
}

PairReport PairReplicator::report() const {
    PairReport report;
    if (has_peer()) {
        report.peer = text_of(ends_.places.peer);
        report.listen = text_of(ends_.places.listen);
    }
    report.software_version = setup_.software_version;
    report.has_secret = !setup_.secret.empty();
    report.has_tls = setup_.tls != nullptr;
    report.gate = gate_ ? &*gate_ : nullptr;
    report.asked = desk_.asked();
    report.not_asked = desk_.refused();
    report.answered = desk_.answered();
    report.waited_us = in_microseconds(desk_.waited());
    report.recent_wait_us = in_microseconds(desk_.recent_wait());
    report.exchange = loop_.exchange_stats();
    report.link = loop_.report();
    // Of a link that was never started nothing is older than the rest.
    report.now = report.link.made_at;
    if (report.link.made_at > Instant(0)) report.now = instant_of(events_.now());
    // Nothing is on its way to a peer that is gone, and what waits for it grows older all the same.
    const bool waits = report.exchange.unacked > 0 || report.exchange.dirty_buckets > 0;
    const auto& heard = report.link.last_contact;
    if (waits && heard && report.link.protocol == 0)
        report.exchange.lag_ms = static_cast<std::uint64_t>((report.now - *heard).count());
    return report;
}

}  // namespace

std::optional<ListeningPlace> listening_place(const Setup& setup) {
    auto places = link_places(setup);
    if (places.peer.host.empty()) return std::nullopt;
    const auto own = specific_address(places.listen.host);
    places.listen.host = own ? own->to_string() : std::string();
    return ListeningPlace{std::string(link_listen_option), std::move(places.listen)};
}

std::vector<std::string> warnings_of(const Setup& setup) {
    const auto places = link_places(setup);
    auto lines = regrets(setup, places);
    const bool is_exposed = !is_loopback(places.peer.host) || !is_loopback(places.listen.host);
    const bool is_proved = !setup.secret.empty() || setup.tls != nullptr;
    if (places.peer.host.empty() || !is_exposed || is_proved) return lines;
    lines.push_back("secret-file: no secret is set: whoever can use the address of " +
                    places.peer.host + " can read and change this cache over the link");
    return lines;
}

std::vector<std::string> warnings_from_outside(const Setup& setup) {
    const auto places = link_places(setup);
    const auto& peer = places.peer.host;
    if (peer.empty()) return {};
    const auto found = addresses_of(peer);
    auto lines = regrets_of_peer(places, specific_address(places.listen.host),
                                 found.has_error() ? Addresses{} : *found);
    if (found.has_error()) {
        lines.push_back("peer (-x) " + peer + ": the name does not resolve: " + found.error() +
                        ": the node would serve alone after boot-grace, and go on asking");
    }
    return lines;
}

std::unique_ptr<Replicator> make_pair_replicator(const Setup& setup, Events events) {
    return std::make_unique<PairReplicator>(setup, std::move(events));
}

}  // namespace twincached::replication::pair
