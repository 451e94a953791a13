// Two whole engines that arbitrate, and clients on both of them, in a network that a seed torments:
// what rules A1 to A7 promise, whatever happens.
//
// - In step, without a failure (but with switchovers, promotions, resyncs, full logs and orderly
//   stops): no outcome is unknown, and of every key there is one order that explains all answers;
//   with `all` of every change, else of those that are conditional. A client's own set goes before
//   what it asks afterwards, and what it was told is there when it looks.
// - In failures (kills, cuts, stops, losses of power): nothing is ever executed twice.
//
// Each change brings a text that no other brings, so that what a key holds tells what was done.
#pragma once

#include "lib/random.hpp"
#include "replication/arbitration_desk.hpp"
#include "test/simulation/key_history.hpp"
#include "test/simulation/observer.hpp"
#include "test/unit/replication/sim_net.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace twincached::simulation {

// What has happened in some swarms: one in which nothing happens proves nothing.
struct ArbitratedSum {
    std::uint64_t asked = 0;
    std::uint64_t decided = 0;
    std::uint64_t decided_anew = 0;
    std::uint64_t unknown = 0;
    std::uint64_t keys = 0;         // whose histories were judged
    std::uint64_t overlapping = 0;  // changes that were asked for while others were under way
    std::uint64_t deaths = 0;
    std::uint64_t passed = 0;  // times that another node decided, without a failure
};

// A pair, or its checker, that is broken on purpose.
enum class ArbitrationDefect : std::uint8_t {
    none,
    asked_again,      // what was under way when the session ended is asked again
    answered_early,   // a client is told as soon as the other node has done it
    sets_come_later,  // a client's own sets do not go before what it asks afterwards
};

class ArbitratedSwarm {
  public:
    explicit ArbitratedSwarm(std::uint64_t seed,
                             ArbitrationDefect defect = ArbitrationDefect::none);

    // The first rule broken, or nothing.
    std::string run(ArbitratedSum& sum);

  private:
    using Instant = replication::pair::Instant;
    using Ms = replication::pair::Timing::ms;
    using Mode = storage::Arbitration;

    struct Net : replication::pair::SimNet {
        using SimNet::SimNet;
        void wake(unsigned n) {
            at(time, n,
               [this, n] { event(n, [](auto& engine, const auto& now) { engine.on_wake(now); }); });
        }
    };
    // What a client waits for.
    struct Pending {
        Call call;
        std::string key;
        storage::Operation operation;
        std::shared_ptr<storage::Question> question;
    };
    // It asks for one change after another.
    struct Client {
        unsigned node = 0;
        unsigned number = 0;
        std::optional<Pending> pending;
        std::string own;      // what its own key holds, as it knows
        bool is_own = false;  // what it waits for is of its own key
    };

    bool is_running(unsigned n) { return net_.nodes[n].process && !net_.nodes[n].stopped; }
    bool is_open(unsigned n) { return is_running(n) && net_.nodes[n].ready; }
    storage::Store& store(unsigned n) { return *net_.nodes[n].process->store; }
    void boot(unsigned n);
    void end(unsigned n);

    void act(Client& client);
    void act_on_own(Client& client);
    void begin(Client& client, Pending pending);
    void start(Client& client);
    void look();
    void settle(Client& client);
    void finish(Client& client, bool is_done);
    void check_own(Client& client, bool is_done);
    bool is_executed_elsewhere(const Client& client);
    std::optional<std::string> held(unsigned n, const std::string& key);

    void pass(Ms time);
    void misfortune();
    void operate(unsigned n);
    void suffer();
    void come_to_rest();
    void go_in_step();
    void stop_in_order();
    void judge();
    void check_texts(unsigned n);
    bool are_in_step();
    bool is_settled();
    void fail(const std::string& what) { history_.fail(what); }

    lib::Random random_;
    const ArbitrationDefect defect_;
    const Mode mode_;
    History history_;
    std::array<std::unique_ptr<replication::ArbitrationDesk>, 2> desks_;
    Net net_;
    std::vector<Client> clients_;
    std::vector<std::string> keys_;  // of this phase
    std::map<std::string, KeyHistory> histories_;
    bool is_calm_ = false;  // nothing fails
    std::uint64_t moment_ = 0;
    std::uint64_t texts_ = 0;
    unsigned phases_ = 0;
    ArbitratedSum sum_;
};

}  // namespace twincached::simulation
