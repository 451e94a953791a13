// A node as the pages of the admin endpoint see it, made of the facts that a test chooses.
#pragma once

#include "app/endpoint/answers.hpp"
#include "replication/pair/link/pair_stats.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::app::test {

struct FakeNode {
    Standing standing;
    std::vector<std::pair<lib::Figure, std::string>> figures;

    // One that serves, in step with its peer, as the primary.
    static FakeNode linked() {
        FakeNode node;
        node.standing.open_for = node.standing.process_unchanged_for = std::chrono::seconds(100);
        node.standing.state = "LINKED";
        node.standing.role = "primary";
        node.standing.access = "open";
        node.standing.peer = "host-b:11212";
        return node;
    }
    // As the pair's own report tells it.
    static FakeNode of(const replication::pair::PairReport& report) {
        FakeNode node;
        replication::pair::visit_stats(report,
                                       [&](const lib::Figure& figure, std::string_view value) {
                                           node.standing.take(figure, value);
                                           node.figures.emplace_back(figure, std::string(value));
                                       });
        return node;
    }

    // What is told to it is noted, and done if this is empty.
    std::string objection;
    const protocol::LatencyTally* latencies = nullptr;
    const protocol::HotKeys* hot_keys = nullptr;
    std::string_view peer_console;
    mutable std::vector<Action> told;

    Answer ask(std::string_view target, std::string_view method = "GET",
               std::string_view accept = {}) const {
        return ask(Request{method, target, accept});
    }
    // By somebody who may act.
    Answer tell(std::string_view target) const {
        return ask({"POST", target, {}, {}, Trust::owner});
    }

    Answer ask(const Request& request) const {
        const auto see = [this] { return standing; };
        const auto tell = [this](lib::FigureVisitor visit) {
            for (const auto& [figure, value] : figures)
                visit(figure, value);
        };
        const auto act = [this](const Action& action) {
            told.push_back(action);
            return Verdict{objection.empty(), objection.empty() ? "done" : objection};
        };
        const auto history = [] { return std::string("[]\n"); };
        const auto lines = [](std::uint64_t number) { return std::to_string(number); };
        return answer(request,
                      {see, tell, history, lines, act, nullptr, latencies, hot_keys, peer_console});
    }
};

}  // namespace twincached::app::test
