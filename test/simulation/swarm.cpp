#include "test/simulation/swarm.hpp"

#include "replication/pair/pair_options.hpp"
#include "replication/registry.hpp"
#include "test/simulation/hostile_caller.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace twincached::simulation {

using namespace std::chrono_literals;
using replication::pair::ExchangeCounter;
using replication::pair::Timing;

namespace {

// As the app asks for it, of a pair that was given nothing but a peer.
Timing::ms patience() {
    auto options = replication::default_options(replication::replicator_factories());
    options.edit<replication::pair::PairOptions>().peer = "the other one";
    return replication::pair::patience_of_peer(options);
}

}  // namespace

Swarm::Swarm(std::uint64_t seed, Defect defect)
    : random_(seed), defect_(defect), timing_(replication::pair::default_timing()), net_(seed) {
    net_.few_items = 1;  // a bucket that remembers a delete is walked
    net_.delay_max = Timing::ms(random_.below(random_.one_in(3) ? 60 : 6));
    net_.observe = [this](unsigned node, storage::MutationSink& sink) {
        return std::make_unique<Observer>(sink, history_, node, defect_);
    };
    const std::array<std::size_t, 3> log_bytes{200, 2000, 1U << 20};
    for (auto& node : net_.nodes) {
        node.log_bytes = log_bytes[random_.below(log_bytes.size())];
        node.shards = random_.one_in(3) ? 4 : 1;
        node.scrub_interval_ms = random_.one_in(2) ? 500 : 0;
        node.protocol = random_.one_in(4) ? 1 : 2;
        node.clock_offset_ms = static_cast<std::int64_t>(random_.below(4000));
        if (defect_ == Defect::versions_believed) node.clock_max_ahead = 24h * 365 * 50;
    }
    const auto keys = 1 + random_.below(20);
    for (std::uint64_t i = 0; i < keys; ++i)
        keys_.push_back("key" + std::to_string(i));
    lacks_memory_ = random_.one_in(3);
    is_attacked_ = random_.one_in(3);
    net_.after_event = [this](unsigned n) {
        note_epoch(n);
        look_at_roles(n);
    };
    net_.tamper = [this](std::string& bytes) { tamper(bytes); };
    boot(0);
    if (random_.one_in(2)) net_.run(Timing::ms(random_.below(5000)));
    boot(1);
}

std::string Swarm::run(SwarmSum& sum) {
    for (int round = 0; round < 2 && history_.violation().empty(); ++round) {
        for (int step = 0; step < 150 && history_.violation().empty(); ++step) {
            random_.one_in(8) ? misfortune(sum) : client(sum);
            if (random_.one_in(16)) operate(static_cast<unsigned>(random_.below(2)), sum);
            if (random_.one_in(2))
                pass(Timing::ms(random_.below(random_.one_in(10) ? 1500 : 20)), sum);
        }
        if (history_.violation().empty()) come_to_rest(sum);
    }
    sum.handed_over += handed_over_;
    return history_.violation();
}

// Time passes, and with it, perhaps, the memory for some allocation, or for all from then on.
void Swarm::pass(Timing::ms time, SwarmSum& sum) {
    if (!lacks_memory_ || !random_.one_in(8)) return net_.run(time);
    const auto kind =
        random_.one_in(4) ? FailingAllocations::Kind::from_then_on : FailingAllocations::Kind::once;
    const FailingAllocations failing(1 + random_.below(random_.one_in(2) ? 20 : 200), kind);
    const AllocationsSucceed of_the_swarm;
    net_.run(time);
    if (!failing.has_failed()) return;
    ++sum.shortages;
    // What the store had no memory for is missing on that node.
    ++history_.evictions;
}

void Swarm::boot(unsigned n) {
    const bool executes_all = defect_ == Defect::old_requests_executed;
    requests_[n].emplace(executes_all ? Timing::ms(0) : patience());
    pauses_[n] = {};
    net_.boot(n);
}

// --- clients -------------------------------------------------------------------------------------

void Swarm::client(SwarmSum& sum) {
    const auto n = static_cast<unsigned>(random_.below(2));
    const auto& key = keys_[random_.below(keys_.size())];
    const auto draw = random_.below(20);
    auto& node = net_.nodes[n];
    // Before it is ready its port is closed.
    if (!node.process || !node.ready) return;
    if (node.stopped) {
        if (draw < 15) requests_[n]->wait({key, net_.time, draw >= 10});
        return;
    }
    ++sum.operations;
    if (draw < 15) {
        change(n, key, draw >= 10);
        return note_taken_over(n, key, sum);
    }
    auto& store = *node.process->store;
    if (draw < 17) {
        (void)store.touch(store.key(key), net_.now(n), storage::Expiry::never());
    } else if (draw == 17 && random_.one_in(20)) {
        (void)store.flush(net_.now(n));
    } else {
        (void)store.get(store.key(key), net_.now(n), [](const storage::ItemView&) {});
    }
}

void Swarm::change(unsigned n, const std::string& key, bool is_delete) {
    auto& store = *net_.nodes[n].process->store;
    if (is_delete) {
        (void)store.remove(store.key(key), net_.now(n), {});
        return;
    }
    storage::Write write;
    const auto value = "value" + std::to_string(++values_);
    write.value = value;
    (void)store.write(store.key(key), net_.now(n), write);
}

// The other node stands still, this one has given it up for that alone, and accepts a change.
void Swarm::note_taken_over(unsigned n, const std::string& key, SwarmSum& sum) {
    if (!net_.nodes[1 - n].stopped || !pauses_[1 - n].is_all) return;
    if (net_.nodes[n].engine().has_session() || !net_.nodes[n].said("nothing from the peer for"))
        return;
    ++sum.taken_over;
    pauses_[1 - n].newer[key] = {history_.reached(n, key), net_.time};
}

// What was sent before the other node took over is older than what that one has accepted since.
void Swarm::execute_what_waited(unsigned n, SwarmSum& sum) {
    const auto closed = requests_[n]->closed();
    for (const auto& request : requests_[n]->wake(net_.time)) {
        ++sum.executed_late;
        change(n, request.key, request.is_delete);
        const auto newer = pauses_[n].newer.find(request.key);
        if (newer == pauses_[n].newer.end()) continue;
        const auto [version, when] = newer->second;
        if (request.sent < when && history_.reached(n, request.key) > version) {
            history_.fail("key " + request.key +
                          ": what waited for a node that stood still beats what the other one has "
                          "accepted since");
        }
    }
    sum.closed += requests_[n]->closed() - closed;
}

// --- misfortune ----------------------------------------------------------------------------------

void Swarm::misfortune(SwarmSum& sum) {
    const auto n = static_cast<unsigned>(random_.below(2));
    auto& node = net_.nodes[n];
    switch (random_.below(is_attacked_ ? 14 : 10)) {
        case 0:
            if (node.process) lose(n, sum, [&] { net_.kill(n); });
            return;
        case 1:
            if (node.process) lose(n, sum, [&] { net_.vanish(n); });
            return;
        case 2:
            if (!node.process) boot(n);
            return;
        case 3:
            net_.partitioned = !net_.partitioned;
            return note_cut();
        case 4:
            net_.mute[n] = !net_.mute[n];
            return note_cut();
        case 5:
            if (is_alive(n)) stop(n);
            return;
        case 6:
            if (node.process && node.stopped) resume(n, sum);
            return;
        case 7:
            if (is_alive(n)) stop_in_order(n, sum);
            return;
        case 8:
            node.clock_offset_ms += static_cast<std::int64_t>(random_.below(300));
            return;
        case 9:
            if (is_alive(n)) stand_still(n, sum);
            return;
        default:
            if (is_alive(n)) attack(n, sum);
            return;
    }
}

template <class Death>
void Swarm::lose(unsigned n, SwarmSum& sum, Death death) {
    ++sum.deaths;
    handover_.reset();
    death();
    history_.on_crash(n);
    pauses_ = {};
}

void Swarm::stop_in_order(unsigned n, SwarmSum& sum) {
    auto& node = net_.nodes[n];
    net_.begin_drain(n);
    node.ready = false;  // clients have been sent away
    net_.run_until(7s, [&] { return node.drained; });
    lose(n, sum, [&] { net_.kill(n); });
}

void Swarm::note_cut() {
    cut_at_ = net_.time;
    for (auto& pause : pauses_)
        pause.is_all = false;
}

void Swarm::stop(unsigned n) {
    const bool is_whole = !net_.partitioned && !net_.mute[0] && !net_.mute[1] &&
                          net_.time - cut_at_ > 2 * timing_.silence;
    pauses_[n] = {is_whole && net_.linked() && is_alive(1 - n), {}};
    net_.nodes[1 - n].log.clear();
    const auto idle = static_cast<std::uint64_t>(requests_[n]->pulse().count()) + 1;
    requests_[n]->runs_at(net_.time - Timing::ms(random_.below(idle)));
    net_.stop(n);
}

// The threads of the clients and that of the link wake in any order.
void Swarm::resume(unsigned n, SwarmSum& sum) {
    const bool clients_first = random_.one_in(2);
    if (clients_first) execute_what_waited(n, sum);
    net_.resume(n);
    if (!clients_first) execute_what_waited(n, sum);
}

// For less than the other node waits, for about as long, or for longer, while clients go on.
void Swarm::stand_still(unsigned n, SwarmSum& sum) {
    const auto silence = static_cast<std::uint64_t>(timing_.silence.count());
    const auto most = random_.one_in(2) ? silence / 2 : 2 * silence;
    const auto end = net_.time + Timing::ms(random_.below(most));
    stop(n);
    while (net_.time < end && history_.violation().empty()) {
        client(sum);
        net_.run(std::min(Timing::ms(random_.below(silence / 20)), end - net_.time));
    }
    resume(n, sum);
}

// --- operators -----------------------------------------------------------------------------------

void Swarm::operate(unsigned n, SwarmSum& sum) {
    if (!is_alive(n)) return;
    ++sum.orders;
    const auto order = static_cast<replication::Order>(random_.below(3));
    if (order == replication::Order::switch_over) note_handover();
    if (defect_ != Defect::none) order_wrongly(n, order);
    if (defect_ == Defect::resync_forgets && order == replication::Order::resync) return;
    net_.order(n, order);
    // Whoever is to step back and is promoted is followed by the other: the overlap begins anew.
    if (order == replication::Order::promote) both_primary_since_ = Instant(0);
}

// What an engine would do that follows orders otherwise than the rules say.
void Swarm::order_wrongly(unsigned n, replication::Order order) {
    if (!net_.linked()) return;
    const bool hands_over = order == replication::Order::switch_over && handover_;
    if (defect_ == Defect::hands_over_early && hands_over) {
        lib::ByteBuffer word;
        write_frame(word, replication::pair::OrderFrame{replication::pair::OrderWord::hand_over});
        net_.say_as_peer(handover_->to, word.readable());
    }
    if (defect_ != Defect::resync_forgets || order != replication::Order::resync) return;
    const auto& process = *net_.nodes[n].process;
    for (unsigned i = 0; i < process.sink->shard_count(); ++i) {
        process.store->with_shard(i, [&](storage::Shard&) {
            replication::ChangeLog::Folded folded;
            while (process.sink->shard(i).log.pop_oldest(folded)) {
            }
            process.sink->refresh(i);
        });
    }
}

// Frame by frame: an engine sends none in parts.
void Swarm::tamper(std::string& bytes) const {
    if (defect_ != Defect::orders_unheard) return;
    std::string heard;
    for (std::string_view rest = bytes; !rest.empty();) {
        const auto read = replication::read_frame(rest);
        if (read.status != replication::FrameStatus::complete) return;
        if (read.frame.type != replication::FrameType::order) heard += rest.substr(0, read.size);
        rest.remove_prefix(read.size);
    }
    bytes = heard;
}

// An order during a handover is the same order: what was written after the first may come later.
// One that was not noted, since the nodes were not in step then, may be under way as well.
void Swarm::note_handover() {
    if (handover_ || !net_.linked() || is_primary(0) == is_primary(1)) return;
    const unsigned from = is_primary(0) ? 0 : 1;
    const auto& giver = net_.nodes[from].engine();
    if (giver.report(net_.now(from)).order_facts.is_handing_over) return;
    handover_.emplace(Handover{1 - from, net_.time, {}});
    for (const auto& key : keys_)
        if (const auto held = held_version(from, key)) handover_->held[key] = held;
}

void Swarm::look_at_roles(unsigned n) {
    const auto& changes = net_.nodes[n].role_changes;
    if (roles_seen_[n] != changes.size()) {
        roles_seen_[n] = changes.size();
        const bool is_handed = changes.back().why.find("(switchover)") != std::string::npos;
        if (is_handed && handover_ && handover_->to == n) check_handover();
    }
    if (handover_ && (!net_.linked() || net_.time - handover_->ordered_at > 15s)) handover_.reset();
    const bool both = net_.linked() && is_alive(0) && is_alive(1) && is_primary(0) && is_primary(1);
    if (!both) both_primary_since_ = Instant(0);
    if (both && both_primary_since_ == Instant(0)) both_primary_since_ = net_.time;
    // The overlap, and what a link that is not whole may hide until it ends.
    if (both && net_.time - both_primary_since_ > 3s)
        history_.fail("both nodes are primary in one session");
}

// What the one still holds, as it was ordered to hand over, the other must have heard of.
void Swarm::check_handover() {
    const auto handover = *std::exchange(handover_, std::nullopt);
    ++handed_over_;
    const auto from = 1 - handover.to;
    const bool may_lack = lacks_memory_ || is_attacked_ || !net_.nodes[from].process;
    if (may_lack) return;
    // What arrives there after a flush is heard of, and dropped.
    const auto flushed = net_.nodes[handover.to].process->store->flush_version();
    for (const auto& [key, version] : handover.held) {
        if (version <= flushed || held_version(from, key) != version) continue;
        if (history_.reached(handover.to, key) < version)
            history_.fail(key + ": a switchover has lost what was accepted before it");
    }
}

// Who does not know the secret gets nothing and changes nothing. Who does takes the peer's place;
// when that one comes back, it is one that the node has left behind, and begins anew (R12).
void Swarm::attack(unsigned n, SwarmSum& sum) {
    using Knows = HostileCaller::Knows;
    const auto knows = static_cast<Knows>(random_.below(3));
    if (knows == Knows::secret) note_cut();
    const auto session = net_.nodes[n].engine().session_number();
    const auto lines = net_.nodes[n].log.size();
    HostileCaller caller(net_, n, knows, keys_, random_);
    caller.call();
    const bool is_peer = caller.has_session();
    ++(is_peer ? sum.impostors : sum.strangers);
    if (is_peer && knows != Knows::secret) return history_.fail("a stranger has a session");
    caller.speak(static_cast<unsigned>(1 + random_.below(30)));
    caller.hang_up();
    const auto& engine = net_.nodes[n].engine();
    const bool lost = session != 0 && !engine.has_session();
    // At whatever happens a node looks whether its peer has been silent for too long.
    const auto said = std::string_view(net_.nodes[n].log).substr(lines);
    const bool was_over = said.find("nothing from the peer for") != std::string_view::npos;
    if (lost && !was_over && knows == Knows::nothing)
        history_.fail("a stranger has ended the session");
    if (!is_peer) return;
    // What he had dropped or removed is missing, and may come back as old as the peer has it.
    ++history_.evictions;
    for (const auto& key : keys_)
        if (held_version(n, key) == 0) history_.forget(n, key);
}

// A node that begins anew holds nothing any more, and knows of nothing.
void Swarm::note_epoch(unsigned n) {
    const auto epoch = net_.nodes[n].engine().exchange().acquaintance().epoch();
    if (std::exchange(epochs_[n], epoch) != epoch) history_.on_crash(n);
}

// --- rest ----------------------------------------------------------------------------------------

bool Swarm::is_at_rest() {
    if (!net_.linked()) return false;
    for (unsigned n = 0; n < 2; ++n) {
        const auto stats = net_.nodes[n].engine().exchange().stats();
        if (stats.unacked + stats.dirty_buckets + stats.walking_buckets != 0) return false;
    }
    return true;
}

void Swarm::come_to_rest(SwarmSum& sum) {
    net_.partitioned = net_.mute[0] = net_.mute[1] = false;
    note_cut();
    for (unsigned n = 0; n < 2; ++n) {
        if (!net_.nodes[n].process) boot(n);
        if (net_.nodes[n].stopped) resume(n, sum);
    }
    if (!net_.run_until(60s, [&] { return is_at_rest(); })) {
        return history_.fail("the pair does not come to rest");
    }
    order_at_rest(sum);
    net_.run(2s);  // a round of the scrub
    if (!is_at_rest()) return history_.fail("the pair does not stay at rest");
    check_rest(sum);
}

// Once more while nothing else happens, so that nothing else puts right what an order does wrong:
// right behind changes, and for longer than two nodes may both be primary.
void Swarm::order_at_rest(SwarmSum& sum) {
    for (int i = 0; i < 3; ++i)
        client(sum);
    operate(static_cast<unsigned>(random_.below(2)), sum);
    net_.run(5s);
    if (!net_.run_until(60s, [&] { return is_at_rest(); }))
        history_.fail("the pair does not come to rest after an order");
}

void Swarm::check_rest(SwarmSum& sum) {
    std::array<std::uint64_t, 2> digests{};
    std::array<storage::Version, 2> flushes{};
    for (unsigned n = 0; n < 2; ++n) {
        const auto stats = net_.nodes[n].engine().exchange().stats();
        digests[n] = stats.digest;
        flushes[n] = net_.nodes[n].process->store->flush_version();
        sum.sessions += net_.nodes[n].engine().link().sessions();
        sum.compared += stats[ExchangeCounter::scrub_compared];
        if (stats[ExchangeCounter::scrub_defects] != 0) history_.fail("a scrub found a defect");
        check_versions(n);
        for (const auto& key : keys_)
            check_key(n, key);
    }
    if (is_primary(0) == is_primary(1)) history_.fail("at rest, not one of the nodes is primary");
    for (const auto& key : keys_) {
        const std::array held{held_version(0, key), held_version(1, key)};
        if (held[0] != held[1] && held[0] != 0 && held[1] != 0)
            history_.fail(key + ": the nodes hold different versions");
    }
    if (flushes[0] != flushes[1]) history_.fail("the flush registers differ");
    if (!history_.lossless() || flushes[0] != 0) return;
    ++sum.lossless_rests;
    if (digests[0] != digests[1]) history_.fail("nothing was lost, and the digests differ");
}

// Nobody's word puts the clock of versions further ahead than `clock-max-ahead`.
void Swarm::check_versions(unsigned n) {
    const auto ahead = replication::pair::default_options().clock_max_ahead;
    const auto newest_ms = std::max(net_.now(0).version_ms, net_.now(1).version_ms);
    const auto last_ms = newest_ms + static_cast<std::uint64_t>(Timing::ms(ahead).count());
    if (net_.nodes[n].process->store->version_time() >> 10 > last_ms)
        history_.fail("versions are further ahead than clock-max-ahead");
}

storage::Version Swarm::held_version(unsigned n, const std::string& name) {
    auto& store = *net_.nodes[n].process->store;
    storage::Version held = 0;
    (void)store.peek(store.key(name), net_.now(n), [&](const storage::ItemView& item) {
        held = item.version;
        history_.on_value(name, item.version, std::string(item.value));
    });
    return held;
}

void Swarm::check_key(unsigned n, const std::string& name) {
    auto& store = *net_.nodes[n].process->store;
    const auto newest = history_.newest(name);
    const bool deleted = newest.deleted || newest.version <= store.flush_version();
    const auto held = held_version(n, name);
    const auto who = std::string("node ") + (n == 0 ? "a" : "b") + ", " + name + ": ";
    const bool may_lack = deleted || newest.version == 0 || lacks_memory_ || is_attacked_ ||
                          store.flush_version() != 0 || !history_.lossless();
    if (held == 0 && !may_lack) history_.fail(who + "was lost");
    if (held == 0 || history_.is_nobodys(held)) return;
    if (deleted) history_.fail(who + "a deleted key is alive");
    if (held != newest.version) history_.fail(who + "is not the newest");
}

}  // namespace twincached::simulation
