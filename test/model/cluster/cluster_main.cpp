// Looks at every history of a small cluster within its bounds:
//
//   cluster_model changes=3 words=3 breaks=1              the rules hold: 0
//   cluster_model changes=2 words=0 defect=freed_at_once  the defect is caught, and told: 0
#include "test/model/cluster/cluster_state.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

using namespace twincached::model::cluster;

namespace {

struct Search {
    Bounds bounds;
    Defect defect = Defect::none;
    std::unordered_set<std::string> visited{};
    std::vector<Move> path{};
    std::string verdict{};

    // Depth first. False: something is wrong, and `path` leads there.
    bool visit(const State& state) {
        verdict = judge(state);
        if (!verdict.empty()) return false;
        for (const auto& move : moves_of(state, bounds)) {
            auto next = after(state, move, defect);
            if (!visited.insert(next.key()).second) continue;
            path.push_back(move);
            if (!visit(next)) return false;
            path.pop_back();
        }
        return true;
    }
};

const std::map<std::string_view, Defect> defects{
    {"none", Defect::none},
    {"freed_at_once", Defect::freed_at_once},
    {"late_batch_applied", Defect::late_batch_applied},
    {"no_observe", Defect::no_observe},
    {"own_removal_untold", Defect::own_removal_untold},
};

bool take(Search& search, std::string_view argument) {
    const auto at = argument.find('=');
    if (at == std::string_view::npos) return false;
    const auto name = argument.substr(0, at);
    const std::string value(argument.substr(at + 1));
    if (name == "defect") {
        const auto found = defects.find(value);
        if (found == defects.end()) return false;
        search.defect = found->second;
        return true;
    }
    const auto number = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
    if (name == "changes") return search.bounds.changes = number, true;
    if (name == "words") return search.bounds.words = number, true;
    if (name == "breaks") return search.bounds.breaks = number, true;
    return false;
}

}  // namespace

int main(int count, char** arguments) {
    Search search;
    for (int i = 1; i < count; ++i) {
        if (take(search, arguments[i])) continue;
        std::fprintf(stderr, "unknown: %s\n", arguments[i]);
        return 2;
    }
    const bool holds = search.visit(State{});
    std::printf("%zu states\n", search.visited.size());
    if (!holds) {
        for (const auto& move : search.path)
            std::printf("  %s\n", name_of(move).c_str());
        std::printf("%s\n", search.verdict.c_str());
    }
    return holds == (search.defect == Defect::none) ? 0 : 1;
}
