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

}  // namespace twincached::replication
