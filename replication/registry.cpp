#include "replication/none.hpp"
#include "replication/pair/driver/driver.hpp"
#include "replication/replicator.hpp"

#include <stdexcept>

namespace twincached::replication {

std::unique_ptr<Replicator> make_replicator(const Options& options, Events events,
                                            unsigned shards) {
    if (options.driver == "none") return std::make_unique<NoneReplicator>(std::move(events));
    if (options.driver == "pair") {
        return pair::make_pair_replicator(options, std::move(events), shards);
    }
    throw std::invalid_argument("unknown replication driver '" + options.driver +
                                "': the drivers are none and pair");
}

}  // namespace twincached::replication
