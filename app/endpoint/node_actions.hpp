// What an operator may tell a running node by the admin endpoint. Whoever may ask is the endpoint's
// to decide; here an order is done, or refused with a sentence, and a line in the log says so.
// Nothing here waits for anybody: what takes longer has begun when it is answered.
//
// Owned by the endpoint, on its thread; what it acts upon is any thread's.
#pragma once

#include "app/endpoint/node_phase.hpp"
#include "app/endpoint/request.hpp"
#include "app/process/log.hpp"
#include "app/reports/server_service.hpp"
#include "replication/replicator.hpp"

#include <string>

namespace twincached::app {

class NodeActions {
  public:
    // All must outlive it.
    struct Parts {
        ServerService& service;
        replication::Replicator& replicator;
        NodePhase& phase;
        Log& log;
    };
    explicit NodeActions(const Parts& parts) noexcept : parts_(parts) {}

    // Does it, if it makes sense; the sentence says what follows, or why nothing does.
    Verdict act(const Action& action) const;

  private:
    Verdict drain() const;
    Verdict undrain() const;
    Verdict order(replication::Order order, std::string_view name) const;
    Verdict set_verbosity(unsigned verbosity) const;

    const Parts parts_;
};

// A node that is about to leave its clients hands its role over, so that balancers that ask for the
// role find the other one. What follows, as the end of a sentence; empty: nothing does.
std::string hand_over_role(replication::Replicator& replicator);

}  // namespace twincached::app
