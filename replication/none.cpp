#include "replication/none.hpp"

#include "replication/driver_figures.hpp"

namespace twincached::replication {

void NoneReplicator::start(storage::Store&) {
    if (events_.ready) events_.ready();
}

void NoneReplicator::stats(lib::FigureVisitor visit) const {
    visit(driver_figure, "none");
    visit(state_figure, "STANDALONE");
    visit(serving_figure, "READY");
}

std::unique_ptr<Replicator> make_none_replicator(const Setup&, Events events) {
    return std::make_unique<NoneReplicator>(std::move(events));
}

}  // namespace twincached::replication
