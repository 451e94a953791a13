// The command line of the model of arbitration: looks at every history within the bounds, shortest
// first. Exit status as of the model beside it: 0 = as expected, 1 = a violation, or a broken rule
// that went unnoticed, 2 = the command line is wrong.
//
//     arbitration_model [operations=N] [breaks=N] [crashes=N] [timeouts=N] [handovers=N] [sets=1]
//                       [defect=name] [expect=violation]
//     arbitration_model defects               names every defect

#include "test/model/arbitration/asking_pair.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <vector>

namespace twincached::model {
namespace {

struct Named {
    AskingDefect defect;
    std::string_view name;
    std::string_view sentence;
};
constexpr std::array defects{
    Named{AskingDefect::executed_twice_after_reconnect, "executed-twice-after-reconnect",
          "What was under way when the session ended is asked again in the next."},
    Named{AskingDefect::answered_before_applied, "answered-before-applied",
          "A client is answered by the OUTCOME before its node holds what it tells of."},
    Named{AskingDefect::order_swapped_with_a_local_set, "order-swapped-with-a-local-set",
          "A REQUEST may overtake what its client has changed here before."},
    Named{AskingDefect::decides_after_handing_over, "decides-after-handing-over",
          "A node that has handed over still executes what it is asked for."},
    Named{AskingDefect::decides_before_it_is_handed_over, "decides-before-it-is-handed-over",
          "A node that is promoted decides before the other has said that it does so no more."},
    Named{AskingDefect::handed_over_before_changes, "handed-over-before-changes",
          "A node hands over before it has sent all that it has decided."},
    Named{AskingDefect::late_answer_asked_again, "late-answer-asked-again",
          "What is not answered in time is asked once more."},
};

struct Origin {
    std::size_t parent;
    AskingMove move;
};

// Every byte of a state means something: there is no padding to be left out.
static_assert(std::has_unique_object_representations_v<Message>);
std::string bytes_of(const AskingPair& pair) {
    std::string bytes(sizeof pair, '\0');
    std::memcpy(bytes.data(), &pair, sizeof pair);
    return bytes;
}

class Exploration {
  public:
    explicit Exploration(const AskingRules& rules) : rules_(rules) {}

    Wrong run() {
        found(first_pair(), {0, {}});
        for (std::size_t i = 0; i < states_.size(); ++i) {
            if (const auto wrong = expand(i); wrong != Wrong::nothing) return wrong;
        }
        return Wrong::nothing;
    }
    std::size_t states() const noexcept { return states_.size(); }
    const std::vector<AskingMove>& history() const noexcept { return history_; }

  private:
    Wrong expand(std::size_t number) {
        bool idle = true;
        for (const auto& move : moves_) {
            auto next = states_[number];
            if (!perform(rules_, move, next)) continue;
            idle &= !is_protocol(move);
            if (next.wrong != Wrong::nothing) return fail(next.wrong, {number, move});
            found(next, {number, move});
        }
        const auto wrong = check(rules_, states_[number], idle);
        return wrong == Wrong::nothing ? wrong : fail(wrong, origins_[number]);
    }
    void found(const AskingPair& pair, const Origin& origin) {
        if (!known_.insert(bytes_of(pair)).second) return;
        states_.push_back(pair);
        origins_.push_back(origin);
    }
    Wrong fail(Wrong wrong, Origin last) {
        for (;; last = origins_[last.parent]) {
            history_.push_back(last.move);
            if (last.parent == 0) break;
        }
        std::reverse(history_.begin(), history_.end());
        return wrong;
    }

    const AskingRules& rules_;
    const std::vector<AskingMove> moves_ = all_asking_moves();
    std::unordered_set<std::string> known_;
    std::vector<AskingPair> states_;
    std::vector<Origin> origins_;
    std::vector<AskingMove> history_;
};

struct Command {
    AskingRules rules;
    bool expects_violation = false;
};

bool set_word(Command& command, std::string_view name, const std::string& value) {
    if (name == "defect") {
        const auto* const found = std::find_if(defects.begin(), defects.end(),
                                               [&](const Named& one) { return one.name == value; });
        if (found == defects.end()) return false;
        command.rules.defect = found->defect;
        return true;
    }
    if (name == "expect") return command.expects_violation = value == "violation";
    const auto number = static_cast<std::uint8_t>(std::clamp(std::atoi(value.c_str()), 0, 9));
    auto& bounds = command.rules.bounds;
    if (name == "operations")
        bounds.operations = std::min<std::uint8_t>(number, max_operations);
    else if (name == "breaks")
        bounds.breaks = number;
    else if (name == "crashes")
        bounds.crashes = number;
    else if (name == "timeouts")
        bounds.timeouts = number;
    else if (name == "handovers")
        bounds.handovers = number;
    else if (name == "sets")
        command.rules.sets = number != 0;
    else
        return false;
    return true;
}

int run(const Command& command) {
    Exploration exploration(command.rules);
    const auto wrong = exploration.run();
    std::printf("%zu states: %s\n", exploration.states(), std::string(sentence_of(wrong)).c_str());
    for (const auto& move : exploration.history())
        std::printf("  %s\n", tell(move).c_str());
    return (wrong != Wrong::nothing) == command.expects_violation ? 0 : 1;
}

}  // namespace
}  // namespace twincached::model

int main(int count, char** words) {
    using namespace twincached::model;
    if (count == 2 && std::string_view(words[1]) == "defects") {
        for (const auto& one : defects)
            std::printf("%-34s %s\n", std::string(one.name).c_str(),
                        std::string(one.sentence).c_str());
        return 0;
    }
    Command command;
    command.rules.bounds.operations = 3;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const auto equals = word.find('=');
        const bool is_known = equals != std::string::npos &&
                              set_word(command, word.substr(0, equals), word.substr(equals + 1));
        if (is_known) continue;
        std::fprintf(stderr, "model: what is \"%s\"?\n", word.c_str());
        return 2;
    }
    return run(command);
}
