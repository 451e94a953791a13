// The replicator of a node alone: its sink ignores everything, it is ready as soon as it starts.
// Owned by the app; `stats` may be called from any thread, the rest from the control thread.
#pragma once

#include "replication/replicator.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::replication {

class NoneReplicator final : public Replicator {
  public:
    explicit NoneReplicator(Events events) : events_(std::move(events)) {}

    storage::MutationSink& sink() noexcept override { return sink_; }
    std::optional<unsigned> node() const noexcept override { return std::nullopt; }
    void start(storage::Store& store) override;
    void drain() override {}
    void stop() noexcept override {}
    std::string remember(storage::Store&) override { return {}; }
    bool recall(std::string_view remembered, storage::Store&) override {
        return remembered.empty();
    }
    void stats(lib::FigureVisitor visit) const override;

  private:
    Events events_;
    storage::NoReplication sink_;
};

std::unique_ptr<Replicator> make_none_replicator(const Options& options, Events events,
                                                 unsigned shards);

}  // namespace twincached::replication
