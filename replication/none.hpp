// The replicator of a node alone: its sink ignores everything, it is ready as soon as it starts.
// Owned by the app; `stats` may be called from any thread, the rest from the control thread.
#pragma once

#include "replication/replicator.hpp"
#include "replication/replicator_factory.hpp"

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
    // Whoever runs alone from now on has nobody who could know better.
    lib::Parsed<Recall> recall(const Remembered& memory, storage::Store&) override {
        return memory.node ? Recall::anew : Recall::continued;
    }
    void stats(lib::FigureVisitor visit) const override;

  private:
    Events events_;
    storage::NoReplication sink_;
};

std::unique_ptr<Replicator> make_none_replicator(const Setup& setup, Events events);

inline constexpr ReplicatorFactory none_factory{.name = "none", .make = make_none_replicator};

}  // namespace twincached::replication
