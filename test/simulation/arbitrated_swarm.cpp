#include "test/simulation/arbitrated_swarm.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

namespace twincached::simulation {

using namespace std::chrono_literals;
using replication::ArbitrationDesk;
using storage::Arbitration;
using State = storage::Question::State;

namespace {

// Nothing of a client's own sets reaches the change log.
class LateSets final : public storage::MutationSink {
  public:
    explicit LateSets(std::unique_ptr<Observer> sink) : sink_(std::move(sink)) {}

    storage::Ticket on_change(unsigned shard, const storage::Change& change) noexcept override {
        const bool is_own_set = change.cause == storage::Cause::local_write &&
                                change.key.bytes.substr(0, 3) == "own" && change.before == 0;
        return is_own_set ? storage::Ticket{} : sink_->on_change(shard, change);
    }
    storage::Version known_version(unsigned shard, const storage::Key& key,
                                   bool present) noexcept override {
        return sink_->known_version(shard, key, present);
    }
    void on_hint(unsigned shard, std::uint64_t hash) noexcept override {
        sink_->on_hint(shard, hash);
    }
    storage::Ticket on_flush(storage::Version version) noexcept override {
        return sink_->on_flush(version);
    }
    void on_flush_scheduled(std::uint64_t at_ms, storage::Version version) noexcept override {
        sink_->on_flush_scheduled(at_ms, version);
    }
    bool fires_foreign_schedule() noexcept override { return sink_->fires_foreign_schedule(); }

  private:
    std::unique_ptr<Observer> sink_;
};

bool is_conditional(CallKind kind) noexcept {
    return kind != CallKind::set && kind != CallKind::remove;
}

storage::Operation operation_of(const Call& call, const std::string& key, std::uint64_t cas) {
    if (call.kind == CallKind::remove) return {storage::Remove{}, key, {}};
    storage::Write write;
    if (call.kind == CallKind::add) write.mode = storage::WriteMode::add;
    if (call.kind == CallKind::append) write.mode = storage::WriteMode::append;
    if (call.kind == CallKind::compare_and_set) write.compare_cas = cas;
    return {write, key, call.text};
}

bool is_done(const storage::Decision& decision) {
    if (const auto* write = std::get_if<storage::WriteResult>(&decision.result))
        return write->outcome == storage::WriteOutcome::stored;
    return std::get<storage::RemoveResult>(decision.result).outcome ==
           storage::RemoveOutcome::removed;
}

storage::Decision execute(storage::Store& store, const storage::Operation& operation,
                          const storage::Now& now) {
    const auto key = store.key(operation.key);
    storage::Decision decision;
    if (const auto* gone = std::get_if<storage::Remove>(&operation.request)) {
        decision.result = store.remove(key, now, *gone);
    } else {
        auto write = std::get<storage::Write>(operation.request);
        write.value = operation.value;
        decision.result = store.write(key, now, write);
    }
    return decision;
}

Arbitration mode_of(std::uint64_t seed) {
    return seed % 2 == 0 ? Arbitration::all : Arbitration::conditional;
}

}  // namespace

ArbitratedSwarm::ArbitratedSwarm(std::uint64_t seed, ArbitrationDefect defect)
    : random_(seed), defect_(defect), mode_(mode_of(seed)), net_(seed) {
    net_.few_items = 1;
    net_.delay_max = Ms(random_.below(random_.one_in(3) ? 40 : 6));
    net_.observe = [this](unsigned n, storage::MutationSink& sink) {
        auto observer = std::make_unique<Observer>(sink, history_, n);
        if (defect_ != ArbitrationDefect::sets_come_later)
            return std::unique_ptr<storage::MutationSink>(std::move(observer));
        return std::unique_ptr<storage::MutationSink>(
            std::make_unique<LateSets>(std::move(observer)));
    };
    const std::array<std::size_t, 3> log_bytes{200, 2000, 1U << 20};
    for (auto& node : net_.nodes) {
        node.log_bytes = log_bytes[random_.below(log_bytes.size())];
        node.shards = random_.one_in(3) ? 4 : 1;
        node.clock_offset_ms = static_cast<std::int64_t>(random_.below(4000));
        node.arbitration.mode = mode_;
        node.arbitration.timeout = 5s;
    }
    for (unsigned i = 0; i < 6; ++i)
        clients_.push_back({i % 2, i, {}, {}, false});
    boot(0);
    boot(1);
}

std::string ArbitratedSwarm::run(ArbitratedSum& sum) {
    for (int round = 0; round < 2 && history_.violation().empty(); ++round) {
        come_to_rest();
        if (history_.violation().empty()) go_in_step();
        if (history_.violation().empty()) suffer();
    }
    sum.asked += sum_.asked;
    sum.decided += sum_.decided;
    sum.decided_anew += sum_.decided_anew;
    sum.unknown += sum_.unknown;
    sum.keys += sum_.keys;
    sum.overlapping += sum_.overlapping;
    sum.deaths += sum_.deaths;
    sum.passed += sum_.passed;
    return history_.violation();
}

// --- processes -----------------------------------------------------------------------------------

void ArbitratedSwarm::boot(unsigned n) {
    desks_[n] = std::make_unique<ArbitrationDesk>();
    auto& desk = *desks_[n];
    desk.set_wake([this, n] { net_.wake(n); });
    const auto waiter = desk.add_waiter([&desk] { desk.look(0); });
    if (waiter != 0) fail("a waiter has another number");
    net_.nodes[n].desk = &desk;
    net_.boot(n);
}

// Its clients are told nothing any more.
void ArbitratedSwarm::end(unsigned n) {
    net_.kill(n);
    history_.on_crash(n);
    for (auto& client : clients_)
        if (client.node == n) client.pending.reset();
}

// --- clients -------------------------------------------------------------------------------------

std::optional<std::string> ArbitratedSwarm::held(unsigned n, const std::string& key) {
    std::optional<std::string> held;
    (void)store(n).peek(store(n).key(key), net_.now(n),
                        [&](const storage::ItemView& item) { held = item.value; });
    return held;
}

void ArbitratedSwarm::act(Client& client) {
    if (client.pending || !is_open(client.node)) return;
    if (is_calm_ && random_.one_in(4)) return act_on_own(client);
    Pending pending;
    pending.key = keys_[random_.below(keys_.size())];
    if (is_calm_ && histories_[pending.key].size() + clients_.size() > KeyHistory::limit) return;
    auto& call = pending.call;
    call.text = "<" + std::to_string(++texts_) + ">";
    call.kind = static_cast<CallKind>(random_.below(mode_ == Arbitration::all ? 5 : 3));
    // What is appended shows best whether it was done twice.
    if (!is_calm_ && !random_.one_in(4)) call.kind = CallKind::append;
    std::uint64_t cas = 0;
    if (call.kind == CallKind::compare_and_set) {
        const auto here = held(client.node, pending.key);
        if (!here) return;
        call.expected = *here;
        (void)store(client.node)
            .peek(store(client.node).key(pending.key), net_.now(client.node),
                  [&](const storage::ItemView& item) { cas = item.cas; });
    }
    pending.operation = operation_of(call, pending.key, cas);
    client.is_own = false;
    begin(client, std::move(pending));
}

// A set of a key that nobody else knows, and, without waiting, an append to it.
void ArbitratedSwarm::act_on_own(Client& client) {
    const auto n = client.node;
    Pending pending;
    pending.key = "own" + std::to_string(client.number) + "." + std::to_string(++texts_);
    client.own = "<set>";
    Call set;
    set.text = client.own;
    if (mode_ != Arbitration::all)
        (void)execute(store(n), operation_of(set, pending.key, 0), net_.now(n));
    pending.call.kind = mode_ == Arbitration::all ? CallKind::set : CallKind::append;
    pending.call.text = mode_ == Arbitration::all ? client.own : "<append>";
    if (mode_ != Arbitration::all) client.own += pending.call.text;
    pending.operation = operation_of(pending.call, pending.key, 0);
    client.is_own = true;
    begin(client, std::move(pending));
}

void ArbitratedSwarm::begin(Client& client, Pending pending) {
    const bool overlaps = std::any_of(clients_.begin(), clients_.end(), [&](const Client& other) {
        return other.pending && other.pending->key == pending.key;
    });
    if (overlaps) ++sum_.overlapping;
    pending.call.asked = ++moment_;
    client.pending = std::move(pending);
    start(client);
}

// As an executor does it: here, or by the other node.
void ArbitratedSwarm::start(Client& client) {
    auto& pending = *client.pending;
    const auto scope = desks_[client.node]->scope();
    const bool asks =
        is_conditional(pending.call.kind) ? scope != Arbitration::off : scope == Arbitration::all;
    if (asks) {
        ++sum_.asked;
        pending.question = desks_[client.node]->ask(pending.operation, 0);
        return;
    }
    pending.question = nullptr;
    finish(client, is_done(execute(store(client.node), pending.operation, net_.now(client.node))));
}

// Whoever was waiting sees what came of it.
void ArbitratedSwarm::look() {
    for (auto& client : clients_)
        if (client.pending && is_running(client.node)) settle(client);
}

bool ArbitratedSwarm::is_executed_elsewhere(const Client& client) {
    const unsigned other = 1 - client.node;
    if (!net_.nodes[other].process) return false;
    const auto there = held(other, client.pending->key);
    return there && there->find(client.pending->call.text) != std::string::npos;
}

void ArbitratedSwarm::settle(Client& client) {
    const auto& question = *client.pending->question;
    const bool is_early = defect_ == ArbitrationDefect::answered_early;
    switch (question.state()) {
        case State::asked:
            if (is_early && is_executed_elsewhere(client)) finish(client, true);
            return;
        case State::decided:
            ++sum_.decided;
            return finish(client, is_done(question.decision()));
        case State::undecided:
            ++sum_.decided_anew;
            return start(client);
        case State::unknown:
            if (is_calm_) fail("an outcome is unknown, and nothing has failed");
            if (defect_ == ArbitrationDefect::asked_again) {
                if (net_.linked()) start(client);
                return;
            }
            ++sum_.unknown;
            client.pending.reset();
            return;
    }
}

void ArbitratedSwarm::finish(Client& client, bool is_done) {
    auto pending = std::move(*client.pending);
    client.pending.reset();
    if (!is_calm_) return;
    if (client.is_own) {
        client.pending = std::move(pending);
        check_own(client, is_done);
        client.pending.reset();
        return;
    }
    pending.call.is_done = is_done;
    pending.call.answered = ++moment_;
    histories_[pending.key].note(std::move(pending.call));
}

// Rules A1 and A3, of a key that nobody else changes.
void ArbitratedSwarm::check_own(Client& client, bool is_done) {
    if (!is_done) return fail("a client's own set did not go before what it asked afterwards");
    if (held(client.node, client.pending->key) != client.own)
        fail("a client was told of what is not on its node yet");
}

// --- time, misfortune, operators -----------------------------------------------------------------

void ArbitratedSwarm::pass(Ms time) {
    const auto end = net_.time + time;
    do {
        net_.run(std::min(Ms(1), end - net_.time));
        look();
    } while (net_.time < end && history_.violation().empty());
}

void ArbitratedSwarm::operate(unsigned n) {
    if (is_running(n)) net_.order(n, static_cast<replication::Order>(random_.below(3)));
}

void ArbitratedSwarm::misfortune() {
    const auto n = static_cast<unsigned>(random_.below(2));
    auto& node = net_.nodes[n];
    switch (random_.below(8)) {
        case 0:
            if (!node.process) return boot(n);
            ++sum_.deaths;
            return end(n);
        case 1:
            if (node.process) return;
            return boot(n);
        case 2:
            net_.partitioned = !net_.partitioned;
            return;
        case 3:
            net_.mute[n] = !net_.mute[n];
            return;
        case 4:
            if (is_running(n)) net_.stop(n);
            return;
        case 5:
        case 6:
            if (node.process && node.stopped) net_.resume(n);
            net_.partitioned = net_.mute[0] = net_.mute[1] = false;
            return;
        default:
            if (node.process) net_.reset_connections(n);
            return;
    }
}

// Two keys for all, to which everybody appends.
void ArbitratedSwarm::suffer() {
    is_calm_ = false;
    keys_ = {"x" + std::to_string(++phases_), "y" + std::to_string(phases_)};
    for (int step = 0; step < 200 && history_.violation().empty(); ++step) {
        if (random_.one_in(10)) misfortune();
        if (random_.one_in(25)) operate(static_cast<unsigned>(random_.below(2)));
        act(clients_[random_.below(clients_.size())]);
        if (random_.one_in(2)) pass(Ms(random_.below(random_.one_in(12) ? 1500 : 10)));
        for (unsigned n = 0; n < 2; ++n)
            check_texts(n);
    }
}

// Rule A2: what brings a text brings it once, and whatever became of the node that did it.
void ArbitratedSwarm::check_texts(unsigned n) {
    if (!net_.nodes[n].process) return;
    for (const auto& key : keys_) {
        const auto text = held(n, key);
        std::set<std::string> seen;
        std::size_t from = 0;
        while (text && from < text->size()) {
            const auto end = text->find('>', from) + 1;
            const auto part = text->substr(from, end - from);
            if (!seen.insert(part).second) return fail(key + ": executed twice: " + part);
            from = end;
        }
    }
}

bool ArbitratedSwarm::is_settled() {
    look();
    return std::none_of(clients_.begin(), clients_.end(),
                        [](const Client& client) { return client.pending.has_value(); });
}

bool ArbitratedSwarm::are_in_step() {
    if (!net_.linked()) return false;
    for (unsigned n = 0; n < 2; ++n) {
        auto& engine = net_.nodes[n].engine();
        const auto stats = engine.exchange().stats();
        if (stats.unacked + stats.dirty_buckets + stats.walking_buckets != 0) return false;
        if (engine.report(net_.now(n)).arbitration != mode_) return false;
    }
    return desks_[0]->scope() != desks_[1]->scope();
}

void ArbitratedSwarm::come_to_rest() {
    net_.partitioned = net_.mute[0] = net_.mute[1] = false;
    for (unsigned n = 0; n < 2; ++n) {
        if (!net_.nodes[n].process) boot(n);
        if (net_.nodes[n].stopped) net_.resume(n);
    }
    // An operator's order of before may still be under way.
    pass(3s);
    if (!net_.run_until(60s, [&] { return is_settled() && are_in_step(); }))
        fail("the pair does not come to be in step");
    for (unsigned n = 0; n < 2; ++n)
        check_texts(n);
}

// --- in step -------------------------------------------------------------------------------------

void ArbitratedSwarm::go_in_step() {
    is_calm_ = true;
    keys_.clear();
    histories_.clear();
    ++phases_;
    for (int i = 0; i < 4; ++i)
        keys_.push_back("k" + std::to_string(phases_) + "." + std::to_string(i));
    auto decider = desks_[0]->scope();
    for (int step = 0; step < 150 && history_.violation().empty(); ++step) {
        act(clients_[random_.below(clients_.size())]);
        if (random_.one_in(40)) operate(static_cast<unsigned>(random_.below(2)));
        if (random_.one_in(2)) pass(Ms(random_.below(random_.one_in(20) ? 500 : 10)));
        if (std::exchange(decider, desks_[0]->scope()) != desks_[0]->scope()) ++sum_.passed;
    }
    if (random_.one_in(2)) stop_in_order();
    if (history_.violation().empty()) judge();
}

// Its clients leave when they have their answers; those of the other node go on. In the midst of a
// change of roles a stop may leave an outcome unknown.
void ArbitratedSwarm::stop_in_order() {
    const auto is_quiet = [&] {
        look();
        return are_in_step();
    };
    pass(2s);
    if (!net_.run_until(60s, is_quiet)) return fail("the pair does not come to be in step");
    const auto n = static_cast<unsigned>(random_.below(2));
    net_.nodes[n].ready = false;
    const auto has_no_client = [&] {
        look();
        return std::none_of(clients_.begin(), clients_.end(), [n](const Client& client) {
            return client.node == n && client.pending;
        });
    };
    if (!net_.run_until(10s, has_no_client)) return fail("a client is not answered");
    net_.begin_drain(n);
    while (!net_.nodes[n].drained && history_.violation().empty()) {
        act(clients_[random_.below(clients_.size())]);
        pass(Ms(random_.below(5)));
    }
    end(n);
    for (int step = 0; step < 20; ++step) {
        act(clients_[random_.below(clients_.size())]);
        pass(Ms(random_.below(20)));
    }
}

void ArbitratedSwarm::judge() {
    const auto is_at_rest = [&] {
        if (!is_settled()) return false;
        return !net_.nodes[0].process || !net_.nodes[1].process || are_in_step();
    };
    if (!net_.run_until(60s, is_at_rest)) return fail("the pair does not come to rest");
    for (const auto& key : keys_) {
        ++sum_.keys;
        for (unsigned n = 0; n < 2; ++n) {
            if (!net_.nodes[n].process) continue;
            if (!histories_[key].is_linearizable(held(n, key)))
                return fail(key + ": no order explains what clients were told");
        }
    }
}

}  // namespace twincached::simulation
