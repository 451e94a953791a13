#include "replication/none.hpp"

namespace twincached::replication {

void NoneReplicator::start(storage::Store&) {
    if (events_.ready) events_.ready();
}

void NoneReplicator::stats(lib::FunctionRef<void(std::string_view, std::string_view)> visit) const {
    visit("repl_driver", "none");
    visit("repl_state", "STANDALONE");
    visit("repl_serving", "READY");
}

std::unique_ptr<Replicator> make_none_replicator(const Options&, Events events, unsigned) {
    return std::make_unique<NoneReplicator>(std::move(events));
}

}  // namespace twincached::replication
