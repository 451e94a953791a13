#include "replication/registry.hpp"

#include "replication/none.hpp"
#include "replication/pair/driver/driver.hpp"
#include "replication/pair/driver/pair_options.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace twincached::replication {
namespace {

constexpr std::array factories{
    ReplicatorFactory{"none", make_none_replicator},
    ReplicatorFactory{"pair", pair::make_pair_replicator, pair::pair_option_rows},
};

// "none", "none and pair", "none, pair and mirror"
std::string names_of(std::span<const ReplicatorFactory> known) {
    std::string names;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (i > 0) names += i + 1 == known.size() ? " and " : ", ";
        names += known[i].name;
    }
    return names;
}

}  // namespace

std::span<const ReplicatorFactory> replicator_factories() noexcept {
    return factories;
}

std::unique_ptr<Replicator> make_replicator(std::span<const ReplicatorFactory> known,
                                            const Options& options, Events events,
                                            unsigned shards) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const auto& factory) {
        return factory.name == options.driver;
    });
    if (found != known.end()) return found->make(options, std::move(events), shards);
    throw std::invalid_argument("unknown replication driver '" + options.driver +
                                "': the drivers are " + names_of(known));
}

}  // namespace twincached::replication
