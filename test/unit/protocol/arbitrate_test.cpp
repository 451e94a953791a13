// Requests that another node decides: what is asked, what waits, and what is answered. The other
// node is a store of the test's own.
#include "storage/arbiter.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace twincached;
using namespace twincached::protocol;
using namespace twincached::protocol::test;
using storage::Arbitration;
using State = storage::Question::State;

namespace {

class NoWaker final : public Waker {
  public:
    void wake() noexcept override {}
};

class OtherNode final : public storage::Arbiter {
  public:
    std::shared_ptr<storage::Question> ask(storage::Operation operation, unsigned) override {
        if (is_full) return nullptr;
        asked.push_back(std::make_shared<storage::Question>(std::move(operation)));
        return asked.back();
    }
    unsigned add_waiter(std::function<void()>) override { return 0; }
    void look(unsigned) noexcept override {}
    void retire(unsigned) noexcept override {}
    void offer(Arbitration scope) { set_scope(scope); }

    // As it would answer: both nodes are one store here, which has the change then.
    void decide(storage::Store& store, const storage::Now& now) {
        auto& question = *asked.back();
        const auto& operation = question.operation();
        const auto key = store.key(operation.key);
        storage::Decision decision;
        if (const auto* write = std::get_if<storage::Write>(&operation.request)) {
            auto whole = *write;
            whole.value = operation.value;
            decision.result = store.write(key, now, whole);
        } else if (const auto* sum = std::get_if<storage::Arithmetic>(&operation.request)) {
            decision.result = store.add(key, now, *sum);
        } else if (const auto* gone = std::get_if<storage::Remove>(&operation.request)) {
            decision.result = store.remove(key, now, *gone);
        } else if (const auto* read = std::get_if<storage::Read>(&operation.request)) {
            decision.result =
                store.read(key, now, *read,
                           [&](const storage::ItemView& item, const storage::ReadMarks& marks) {
                               decision.item.emplace();
                               decision.item->value = item.value;
                               decision.item->version = item.version;
                               decision.item->cas = item.cas;
                               decision.item->expiry = item.expiry;
                               decision.item->stale = item.stale;
                               decision.marks = marks;
                           });
        }
        question.decide(std::move(decision));
    }

    std::vector<std::shared_ptr<storage::Question>> asked;
    bool is_full = false;
};

struct Arbitrated {
    explicit Arbitrated(Arbitration scope = Arbitration::conditional) {
        service.shared().arbiter = &other;
        other.offer(scope);
    }
    // What is answered once the other node has decided; what is said meanwhile is nothing.
    std::string say(const std::string& bytes) {
        const auto before = other.asked.size();
        auto answer = client.say(bytes);
        while (other.asked.size() > before && other.asked.back()->state() == State::asked) {
            other.decide(service.store(), client.now);
            answer += client.hear();
        }
        return answer;
    }
    bool asks(const std::string& bytes) {
        const auto before = other.asked.size();
        say(bytes);
        return other.asked.size() > before;
    }

    OtherNode other;
    TestService service;
    NoWaker waker;
    Client client{service_of(*this), some_time(), {.waker = &waker}};

  private:
    static TestService& service_of(Arbitrated& self) {
        self.service.shared().arbiter = &self.other;
        return self.service;
    }
};

std::string packet(std::uint8_t opcode, const std::string& extras, const std::string& key,
                   const std::string& value = "") {
    std::string bytes(24, '\0');
    bytes[0] = static_cast<char>(0x80);
    bytes[1] = static_cast<char>(opcode);
    bytes[3] = static_cast<char>(key.size());
    bytes[4] = static_cast<char>(extras.size());
    bytes[11] = static_cast<char>(extras.size() + key.size() + value.size());
    return bytes + extras + key + value;
}

}  // namespace

TEST_CASE("a client whose change another node decides waits, with all that it has sent") {
    Arbitrated node;
    CHECK(node.client.say("add k 0 0 1\r\nv\r\nget k\r\n").empty());
    CHECK(node.client.last_steps.back() == Next::await_decision);
    CHECK(node.client.hear().empty());  // woken for nothing
    REQUIRE(node.other.asked.size() == 1);
    CHECK(node.other.asked[0]->operation().key == "k");
    CHECK(node.other.asked[0]->operation().value == "v");
    CHECK_FALSE(node.client.conversation().is_decided());
    node.other.decide(node.service.store(), node.client.now);
    CHECK(node.client.conversation().is_decided());
    CHECK(node.client.hear() == "STORED\r\nVALUE k 0 1\r\nv\r\nEND\r\n");
    CHECK(node.service.total(Count::cmd_set) == 1);
}

TEST_CASE("of reads that come together, the one that would claim a recache is asked for, in turn") {
    Arbitrated node;
    node.say("set k 0 0 1\r\n1\r\nset old 0 0 1\r\n2\r\nmd old I T30\r\n");
    const std::string reads = "mg k v\r\nmg none v\r\nmg old v\r\nmg old v\r\nmg k v\r\n";
    CHECK(node.client.say(reads) == "VA 1\r\n1\r\nEN\r\n");
    CHECK(node.client.last_steps.back() == Next::await_decision);
    CHECK(node.service.total(Count::cmd_meta) == 4);  // one of them wrote
    CHECK(node.say("") == "");
    node.other.decide(node.service.store(), node.client.now);
    CHECK(node.client.hear() == "VA 1 X W\r\n2\r\n");
    node.other.decide(node.service.store(), node.client.now);
    CHECK(node.client.hear() == "VA 1 Z X\r\n2\r\nVA 1\r\n1\r\n");
    CHECK(node.service.total(Count::cmd_meta) == 6);
    CHECK(node.service.total(Count::get_hits) == 4);
}

TEST_CASE("conditional: what depends on what is there is asked, plain changes and reads are not") {
    Arbitrated node;
    CHECK_FALSE(node.asks("set k 0 0 1\r\n1\r\n"));
    CHECK_FALSE(node.asks("get k\r\n"));
    CHECK_FALSE(node.asks("touch k 100\r\n"));
    CHECK_FALSE(node.asks("gat 100 k\r\n"));
    CHECK_FALSE(node.asks("ms k 1\r\n1\r\n"));
    CHECK_FALSE(node.asks("mg k v\r\n"));
    CHECK_FALSE(node.asks("mg k N30 R0 v\r\n"));  // it is there, and will be for long
    CHECK_FALSE(node.asks("md other\r\n"));
    for (const std::string request :
         {"add k 0 0 1\r\n1\r\n", "replace k 0 0 1\r\n1\r\n", "append k 0 0 1\r\n1\r\n",
          "prepend k 0 0 1\r\n1\r\n", "cas k 0 0 1 1\r\n1\r\n", "incr k 1\r\n", "decr k 1\r\n",
          "ms k 1 C1\r\n1\r\n", "ms k 1 ME\r\n1\r\n", "ms k 1 MR\r\n1\r\n", "ms k 1 MA\r\n1\r\n",
          "ms k 1 MP\r\n1\r\n", "ma k\r\n", "md k C1\r\n", "mg missing N30\r\n"}) {
        INFO(request);
        CHECK(node.asks(request));
    }
}

TEST_CASE("all: every change of one key is asked, and no read") {
    Arbitrated node(Arbitration::all);
    CHECK(node.asks("set k 0 0 1\r\n1\r\n"));
    CHECK(node.asks("touch k 100\r\n"));
    CHECK(node.asks("mg k T100\r\n"));
    CHECK(node.asks("ms k 1\r\n1\r\n"));
    CHECK_FALSE(node.asks("get k\r\n"));
    CHECK_FALSE(node.asks("mg k v\r\n"));
    CHECK(node.say("gat 100 k none k\r\n") == "VALUE k 0 1\r\n1\r\nVALUE k 0 1\r\n1\r\nEND\r\n");
    CHECK(node.say("delete k\r\n") == "DELETED\r\n");
}

TEST_CASE("off: nothing is asked") {
    Arbitrated node(Arbitration::off);
    CHECK_FALSE(node.asks("add k 0 0 1\r\n1\r\n"));
    CHECK_FALSE(node.asks("incr k 1\r\n"));
    CHECK_FALSE(node.asks("mg missing N30\r\n"));
}

TEST_CASE("each dialect answers as if this node had decided") {
    Arbitrated node;
    CHECK(node.say("add n 0 0 1\r\n7\r\n") == "STORED\r\n");
    CHECK(node.say("add n 0 0 1\r\n7\r\n") == "NOT_STORED\r\n");
    CHECK(node.say("incr n 5\r\n") == "12\r\n");
    CHECK(node.say("incr absent 5\r\n") == "NOT_FOUND\r\n");
    CHECK(node.say("ma n MD D2 v\r\n") == "VA 2\r\n10\r\n");
    CHECK(node.say("ms n 1 MA\r\n1\r\n") == "HD\r\n");
    CHECK(node.say("mg lease N30 t v\r\n") == "VA 0 t30 W\r\n\r\n");
    CHECK(node.say("mg lease N30 t v\r\n") == "VA 0 t30 Z\r\n\r\n");
    CHECK(node.service.total(Count::cmd_meta) == 4);
}

TEST_CASE("binary requests are asked and answered, quiet ones are quiet") {
    Arbitrated node;
    const auto answer = node.say(packet(0x02, std::string(8, '\0'), "k", "v"));
    REQUIRE(answer.size() == 24);
    CHECK(answer.substr(6, 2) == std::string(2, '\0'));
    CHECK(node.say(packet(0x12, std::string(8, '\0'), "q", "v")).empty());
    CHECK(node.other.asked.size() == 2);
    CHECK(node.say(packet(0x12, std::string(8, '\0'), "q", "v")).substr(6, 2) ==
          std::string("\0\x02", 2));
}

TEST_CASE("who wants no answer is decided for in order all the same") {
    Arbitrated node;
    CHECK(node.client.say("add n 0 0 1 noreply\r\n1\r\nincr n 1 noreply\r\nget n\r\n").empty());
    REQUIRE(node.other.asked.size() == 1);
    node.other.decide(node.service.store(), node.client.now);
    CHECK(node.client.hear().empty());
    REQUIRE(node.other.asked.size() == 2);
    node.other.decide(node.service.store(), node.client.now);
    CHECK(node.client.hear() == "VALUE n 0 1\r\n2\r\nEND\r\n");
}

TEST_CASE("an outcome that nobody can tell is an error, and the next request is asked anew") {
    Arbitrated node;
    CHECK(node.client.say("incr n 1\r\n").empty());
    node.other.asked.back()->end(State::unknown);
    CHECK(node.client.hear() == "SERVER_ERROR outcome unknown\r\n");
    CHECK(node.say("set n 0 0 1\r\n1\r\n") == "STORED\r\n");
    CHECK(node.say("incr n 1\r\n") == "2\r\n");
}

TEST_CASE("of a binary client it is a temporary failure") {
    Arbitrated node;
    CHECK(node.client.say(packet(0x05, std::string(20, '\0'), "n")).empty());
    node.other.asked.back()->end(State::unknown);
    CHECK(node.client.hear().substr(6, 2) == std::string("\0\x86", 2));
}

TEST_CASE("what was not done is decided here where nobody is asked any more") {
    Arbitrated node;
    CHECK(node.client.say("add k 0 0 1\r\nv\r\n").empty());
    node.other.offer(Arbitration::off);
    node.other.asked.back()->end(State::undecided);
    CHECK(node.client.hear() == "STORED\r\n");
    CHECK(node.client.say("get k\r\n") == "VALUE k 0 1\r\nv\r\nEND\r\n");
}

TEST_CASE("what was not done is asked again where somebody is") {
    Arbitrated node;
    CHECK(node.client.say("add k 0 0 1\r\nv\r\n").empty());
    node.other.asked.back()->end(State::undecided);
    CHECK(node.client.hear().empty());
    REQUIRE(node.other.asked.size() == 2);
    node.other.decide(node.service.store(), node.client.now);
    CHECK(node.client.hear() == "STORED\r\n");
}

TEST_CASE("without room to ask nothing is done, and that is said") {
    Arbitrated node;
    node.other.is_full = true;
    CHECK(node.client.say("add k 0 0 1\r\nv\r\n") ==
          "SERVER_ERROR not done: the other node cannot be asked now\r\n");
    CHECK(node.client.say("get k\r\n") == "END\r\n");
}

TEST_CASE("a client that cannot wait is not made to") {
    Arbitrated node;
    Client datagram(node.service, some_time(), {.is_datagram = true});
    CHECK(datagram.say("incr n 1\r\n") ==
          "SERVER_ERROR not done: the other node cannot be asked now\r\n");
    CHECK(node.other.asked.empty());
}

TEST_CASE("a large value waits in the store's memory, and is asked for once") {
    Arbitrated node;
    const std::string value(600'000, 'v');
    const auto request = "add k 0 0 600000\r\n" + value + "\r\n";
    CHECK(node.client.say(request).empty());
    REQUIRE(node.other.asked.size() == 1);
    CHECK(node.other.asked.back()->operation().value == value);
    CHECK(node.client.hear().empty());
    CHECK(node.other.asked.size() == 1);
    storage::Decision decision;
    storage::WriteResult result;
    result.outcome = storage::WriteOutcome::stored;
    decision.result = result;
    node.other.asked.back()->decide(std::move(decision));
    CHECK(node.client.hear() == "STORED\r\n");
    CHECK(node.client.say("mn\r\n") == "MN\r\n");
}

TEST_CASE("a node that becomes read only still answers what was asked before") {
    Arbitrated node;
    CHECK(node.client.say("add k 0 0 1\r\nv\r\n").empty());
    node.service.shared().read_only = true;
    node.other.decide(node.service.store(), node.client.now);
    CHECK(node.client.hear() == "STORED\r\n");
}
