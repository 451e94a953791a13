#include "test/model/arbitration/asking_pair.hpp"

#include <algorithm>
#include <bit>
#include <string>

namespace twincached::model {
namespace {

// One move of one node, in a state that may be left half changed if the move is not possible.
class Step {
  public:
    Step(const AskingRules& rules, AskingPair& pair, unsigned node) noexcept
        : rules_(rules), pair_(pair), node_(node) {}

    bool begin(OperationKind kind) {
        if (pair_.spent.operations == rules_.bounds.operations || under_way() != nullptr)
            return false;
        if (kind == OperationKind::set && !rules_.sets) return false;
        auto& operation = pair_.operations[pair_.spent.operations++];
        operation = {kind, static_cast<std::uint8_t>(node_), Progress::asked};
        // Who does what nobody has to decide waits for nobody (conditional).
        if (kind == OperationKind::set || !asks()) decide_own(operation);
        return true;
    }
    bool begin_increment() { return begin(OperationKind::increment); }
    bool begin_add() { return begin(OperationKind::add); }
    bool begin_set() { return begin(OperationKind::set); }

    bool decide_here() {
        auto* operation = under_way();
        if (operation == nullptr || operation->progress != Progress::asked || asks()) return false;
        decide_own(*operation);
        return true;
    }

    bool send_record() {
        if (!self().linked || !self().unsent) return false;
        self().unsent = false;
        return post({Word::record, 0, 0, self().holding});
    }

    // Rule A3: what this node has changed before goes first.
    bool send_request() {
        auto* operation = under_way();
        if (operation == nullptr || operation->progress != Progress::asked || !asks()) return false;
        if (self().passes) return false;
        if (self().unsent && !broken(AskingDefect::order_swapped_with_a_local_set)) return false;
        operation->progress = Progress::sent;
        return post({Word::request, number_of(*operation), 0, {}});
    }

    bool receive() {
        auto& queue = pair_.to[node_];
        if (!self().linked || queue.size == 0) return false;
        const auto message = queue.messages.front();
        std::rotate(queue.messages.begin(), queue.messages.begin() + 1, queue.messages.end());
        queue.messages[--queue.size] = {};
        switch (message.word) {
            case Word::record:
                apply(message.holding);
                return true;
            case Word::request:
                return on_request(message);
            case Word::outcome:
                on_outcome(message);
                return true;
            case Word::not_mine:
                if (auto& operation = pair_.operations[message.operation];
                    operation.progress == Progress::sent)
                    operation.progress = Progress::asked;
                return true;
            case Word::pass:
                self().decides = true;
                return true;
            case Word::give_it_me:
                return !self().decides || hand_over();
        }
        return true;
    }

    // An operator's order to the node that decides.
    bool switch_over() {
        if (pair_.spent.handovers == rules_.bounds.handovers || !self().linked || !self().decides)
            return false;
        ++pair_.spent.handovers;
        return hand_over();
    }
    // The same to the other one: it must be given what it is to have.
    bool promote() {
        if (pair_.spent.handovers == rules_.bounds.handovers || !self().linked || self().decides)
            return false;
        ++pair_.spent.handovers;
        if (broken(AskingDefect::decides_before_it_is_handed_over)) self().decides = true;
        return post({Word::give_it_me, 0, 0, {}});
    }

    // Rule A4: whoever decides next must know of all that was decided.
    bool send_pass() {
        if (!self().linked || !self().passes) return false;
        if (self().unsent && !broken(AskingDefect::handed_over_before_changes)) return false;
        self().passes = false;
        return post({Word::pass, 0, 0, {}});
    }

    bool lose_link() {
        if (pair_.spent.breaks == rules_.bounds.breaks || !self().linked) return false;
        ++pair_.spent.breaks;
        end_session();
        return true;
    }
    // What the other one has begun, this one notices in the end.
    bool notice() {
        if (!self().linked || peer().linked) return false;
        end_session();
        return true;
    }
    bool connect() {
        if (self().linked || peer().linked || node_ != 0) return false;
        for (unsigned n = 0; n < 2; ++n) {
            auto& node = pair_.nodes[n];
            pair_.to[n] = {};
            node.linked = true;
            node.decides = n == 0;
            node.passes = false;
            node.unsent = node.holding.version != 0;
        }
        return true;
    }
    bool time_out() {
        auto* operation = under_way();
        const bool waits = operation != nullptr && operation->progress == Progress::sent;
        if (!waits || pair_.spent.timeouts == rules_.bounds.timeouts) return false;
        ++pair_.spent.timeouts;
        operation->progress =
            broken(AskingDefect::late_answer_asked_again) ? Progress::asked : Progress::unknown;
        return true;
    }
    bool crash() {
        if (pair_.spent.crashes == rules_.bounds.crashes) return false;
        ++pair_.spent.crashes;
        if (auto* operation = under_way()) operation->progress = Progress::gone;
        end_session();
        self().holding = {};
        self().own = 0;
        self().unsent = false;
        return true;
    }

  private:
    AskingNode& self() noexcept { return pair_.nodes[node_]; }
    AskingNode& peer() noexcept { return pair_.nodes[1 - node_]; }
    bool broken(AskingDefect defect) const noexcept { return rules_.defect == defect; }
    bool asks() noexcept { return self().linked && !self().decides; }
    void report(Wrong wrong) noexcept {
        if (pair_.wrong == Wrong::nothing) pair_.wrong = wrong;
    }
    std::uint8_t number_of(const Operation& operation) const noexcept {
        return static_cast<std::uint8_t>(&operation - pair_.operations.data());
    }
    Operation* under_way() noexcept { return under_way_of(node_); }
    Operation* under_way_of(unsigned node) noexcept {
        for (auto& operation : pair_.operations) {
            const bool is_open =
                operation.progress == Progress::asked || operation.progress == Progress::sent;
            if (is_open && operation.node == node) return &operation;
        }
        return nullptr;
    }

    // False: there is no room, and the move is not possible. What a node says that the other has
    // given up is lost.
    bool post(const Message& message) noexcept {
        if (!peer().linked) return true;
        auto& queue = pair_.to[1 - node_];
        if (queue.size == max_queue) return false;
        queue.messages[queue.size++] = message;
        return true;
    }

    void apply(const Holding& holding) noexcept {
        self().clock = std::max(self().clock, static_cast<std::uint8_t>(holding.version / 2));
        if (holding.version > self().holding.version) self().holding = holding;
    }

    // True: it was done. What its client has done before must be known here by then, if the client
    // still waits.
    bool decide(const Operation& operation) noexcept {
        const auto bit = static_cast<std::uint8_t>(1U << number_of(operation));
        if ((pair_.executed & bit) != 0) report(Wrong::executed_twice);
        pair_.executed |= bit;
        auto& held = self().holding;
        const bool is_awaited = under_way_of(operation.node) == &operation;
        if (is_awaited && pair_.nodes[operation.node].own > held.version)
            report(Wrong::order_swapped);
        if (operation.kind == OperationKind::add) {
            if (held.version != 0) return false;
            pair_.stored_adds |= bit;
        }
        const auto before = operation.kind == OperationKind::increment ? held.effects : 0;
        ++self().clock;
        held.version = static_cast<std::uint8_t>(self().clock * 2 + node_);
        held.effects = static_cast<std::uint8_t>(before | bit);
        self().unsent = true;
        return true;
    }

    void decide_own(Operation& operation) noexcept {
        const bool is_done = decide(operation);
        answer(operation, is_done, self().holding.version);
    }

    void answer(Operation& operation, bool is_done, std::uint8_t version) noexcept {
        operation.progress = is_done ? Progress::done : Progress::refused;
        if (self().holding.version < version) report(Wrong::not_applied);
        if (is_done) self().own = std::max(self().own, version);
    }

    bool on_request(const Message& message) {
        if (!self().decides && !broken(AskingDefect::decides_after_handing_over))
            return post({Word::not_mine, message.operation, 0, {}});
        const bool is_done = decide(pair_.operations[message.operation]);
        return post({Word::outcome, message.operation, is_done, self().holding});
    }

    // Rule A1: what is told is true here, too, before it is told.
    void on_outcome(const Message& message) noexcept {
        if (!broken(AskingDefect::answered_before_applied)) apply(message.holding);
        auto& operation = pair_.operations[message.operation];
        if (operation.progress == Progress::sent)
            answer(operation, message.done != 0, message.holding.version);
    }

    bool hand_over() noexcept {
        self().decides = false;
        return self().passes = true;
    }

    // Rule A2: what has left may have been executed, and is not asked again.
    void end_session() noexcept {
        self().linked = false;
        self().decides = true;
        self().passes = false;
        self().unsent = false;
        pair_.to[node_] = {};
        auto* operation = under_way();
        if (operation == nullptr || operation->progress != Progress::sent) return;
        operation->progress = broken(AskingDefect::executed_twice_after_reconnect)
                                  ? Progress::asked
                                  : Progress::unknown;
    }

    const AskingRules& rules_;
    AskingPair& pair_;
    const unsigned node_;
};

struct MoveRow {
    bool (Step::*perform)();
    std::string_view sentence;
    bool is_protocol;  // it happens by itself
};

constexpr std::array rows{
    MoveRow{&Step::begin_increment, "a client increments", false},
    MoveRow{&Step::begin_add, "a client adds", false},
    MoveRow{&Step::begin_set, "a client sets", false},
    MoveRow{&Step::decide_here, "decides what was asked for and has not left", true},
    MoveRow{&Step::send_record, "sends what it holds", true},
    MoveRow{&Step::send_request, "sends a REQUEST", true},
    MoveRow{&Step::receive, "receives", true},
    MoveRow{&Step::switch_over, "is told to hand over", false},
    MoveRow{&Step::promote, "is promoted", false},
    MoveRow{&Step::send_pass, "says that the other one decides", true},
    MoveRow{&Step::lose_link, "loses the link", false},
    MoveRow{&Step::notice, "notices that the other has given the session up", true},
    MoveRow{&Step::connect, "meets the other one again", true},
    MoveRow{&Step::time_out, "waits no longer for an answer", false},
    MoveRow{&Step::crash, "dies and begins anew, empty", false},
};

bool has_failed(const Spent& spent) noexcept {
    return spent.breaks + spent.crashes > 0;
}

}  // namespace

AskingPair first_pair() noexcept {
    AskingPair pair;
    pair.nodes[0].decides = true;
    return pair;
}

std::vector<AskingMove> all_asking_moves() {
    std::vector<AskingMove> moves;
    for (std::uint8_t kind = 0; kind < rows.size(); ++kind)
        for (std::uint8_t node = 0; node < 2; ++node)
            moves.push_back({kind, node});
    return moves;
}

bool perform(const AskingRules& rules, const AskingMove& move, AskingPair& pair) {
    Step step(rules, pair, move.node);
    return (step.*rows[move.kind].perform)();
}

std::string tell(const AskingMove& move) {
    return std::string(move.node == 0 ? "a " : "b ") + std::string(rows[move.kind].sentence);
}

bool is_protocol(const AskingMove& move) noexcept {
    return rows[move.kind].is_protocol;
}

Wrong check(const AskingRules& rules, const AskingPair& pair, bool idle) noexcept {
    if (pair.wrong != Wrong::nothing) return pair.wrong;
    const bool failed = has_failed(pair.spent);
    if (!failed && std::popcount(pair.stored_adds) > 1) return Wrong::two_locks;
    bool is_open = false;
    for (const auto& operation : pair.operations) {
        is_open |= operation.progress == Progress::asked || operation.progress == Progress::sent;
        const bool is_explained = failed || pair.spent.timeouts > 0;
        if (operation.progress == Progress::unknown && !is_explained) return Wrong::unexplained;
    }
    if (!idle) return Wrong::nothing;
    if (is_open) return Wrong::stuck;
    const auto& [a, b] = pair.nodes;
    if (a.holding.version != b.holding.version) return Wrong::nodes_differ;
    if (failed || rules.sets) return Wrong::nothing;
    for (std::size_t i = 0; i < pair.operations.size(); ++i) {
        const bool is_counted =
            pair.operations[i].kind == OperationKind::increment && (pair.executed >> i & 1U) != 0;
        if (is_counted && (a.holding.effects >> i & 1U) == 0) return Wrong::increment_lost;
    }
    return Wrong::nothing;
}

std::string_view sentence_of(Wrong wrong) noexcept {
    switch (wrong) {
        case Wrong::nothing:
            return "nothing is wrong";
        case Wrong::executed_twice:
            return "an operation was executed twice";
        case Wrong::two_locks:
            return "two adds of one key were stored";
        case Wrong::increment_lost:
            return "an increment was lost";
        case Wrong::order_swapped:
            return "a client's request was decided without what it had done before";
        case Wrong::not_applied:
            return "a client was told of what its node does not hold";
        case Wrong::unexplained:
            return "an outcome was unknown without a reason";
        case Wrong::nodes_differ:
            return "at rest the nodes differ";
        case Wrong::stuck:
            return "a client waits for ever";
    }
    return {};
}

}  // namespace twincached::model
