// A simulated network whose two nodes have met: node 0, which is a, is primary, node 1 secondary.
#pragma once

#include "test/unit/replication/sim_net.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

struct LinkedNet : SimNet {
    // `configure` is called for each node before it is booted.
    explicit LinkedNet(std::uint64_t seed = 1, const std::function<void(Node&)>& configure = {})
        : SimNet(seed) {
        for (auto& node : nodes) {
            if (configure) configure(node);
            boot(node.number);
        }
        REQUIRE(run_until(Timing::ms(1000), [this] { return linked(); }));
        REQUIRE(nodes[0].engine().link().role() == Role::primary);
    }
    bool link_again() {
        return run_until(Timing::ms(5000), [this] { return linked(); });
    }

    // --- clients of node n -----------------------------------------------------------------
    void set(unsigned n, std::string_view name, std::string_view value = "value") {
        auto& store = *nodes[n].process->store;
        storage::Write write;
        write.value = value;
        const auto outcome = store.write(store.key(name), now(n), write).outcome;
        REQUIRE(outcome == storage::WriteOutcome::stored);
    }
    void remove(unsigned n, std::string_view name) {
        auto& store = *nodes[n].process->store;
        (void)store.remove(store.key(name), now(n), {});
    }
    std::string get(unsigned n, std::string_view name) {
        auto& store = *nodes[n].process->store;
        std::string value = "(miss)";
        store.get(store.key(name), now(n),
                  [&](const storage::ItemView& item) { value = item.value; });
        return value;
    }
    bool holds(unsigned n, std::string_view name) { return get(n, name) != "(miss)"; }
};

}  // namespace twincached::replication::pair
