// The seam at which somebody else than this store decides what becomes of a client's request: the
// other node of a pair, so that a lock is given once and a counter counts every increment,
// whichever node a client meets. What is asked and what is answered are values of their own, which
// no lock guards; a driver of replication implements the arbiter, whoever executes requests asks
// it.
//
//     io thread:           scope() -> ask() ------------------> look again when woken
//     replication thread:           '--> asked --> decided, undecided or unknown -'
#pragma once

#include "storage/operations.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace twincached::storage {

// One request, as a client of this node means it; expiries are of this node's clock.
struct Operation {
    std::variant<Write, Arithmetic, Read, Remove> request;  // a write's value: see below
    std::string key;
    std::string value;  // of a write, whose own view is empty

    std::size_t bytes() const noexcept { return key.size() + value.size(); }
};

// An item as it was when it was decided, for a reader who is to see it.
struct ItemCopy {
    std::string value;
    Version version = 0;
    std::uint64_t cas = 0;
    std::uint32_t client_flags = 0;
    Expiry expiry;
    Tick last_access = 0;
    bool explicit_cas = false;
    bool fetched = false;
    bool stale = false;
    bool won = false;
    bool binary_key = false;

    // Valid as long as this and the key are. It cannot be pinned.
    ItemView view(std::string_view key) const noexcept {
        ItemView item;
        item.key = key;
        item.value = value;
        item.version = version;
        item.cas = cas;
        item.client_flags = client_flags;
        item.expiry = expiry;
        item.last_access = last_access;
        item.explicit_cas = explicit_cas;
        item.fetched = fetched;
        item.stale = stale;
        item.won = won;
        item.binary_key = binary_key;
        return item;
    }
};

// What came of it, of the same kind as the request; the ticket is empty, for both nodes have it. A
// read that is a hit has an item.
struct Decision {
    std::variant<WriteResult, ArithmeticResult, ReadResult, RemoveResult> result;
    ReadMarks marks;
    std::optional<ItemCopy> item;
};

// One operation on its way. Shared by whoever asked and the arbiter, which alone writes to it.
class Question {
  public:
    enum class State : std::uint8_t {
        asked,
        decided,    // decision() holds, and this node holds what it tells of
        undecided,  // nothing was done: decide who decides anew
        unknown,    // it was done once, or not at all; never say that it was
    };

    explicit Question(Operation operation) : operation_(std::move(operation)) {}
    virtual ~Question() = default;
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

    const Operation& operation() const noexcept { return operation_; }
    State state() const noexcept { return state_.load(std::memory_order_acquire); }
    // REQUIRES: decided.
    const Decision& decision() const noexcept { return decision_; }

    // The arbiter, once.
    void decide(Decision decision) noexcept {
        decision_ = std::move(decision);
        on_decided();
        state_.store(State::decided, std::memory_order_release);
    }
    void end(State state) noexcept { state_.store(state, std::memory_order_release); }

  protected:
    // The arbiter's thread, just before whoever asked can see it.
    virtual void on_decided() noexcept {}

  private:
    const Operation operation_;
    Decision decision_;
    std::atomic<State> state_{State::asked};
};

// How much is asked of the other node just now.
enum class Arbitration : std::uint8_t {
    off,
    conditional,  // what depends on what the key holds, and is a change
    all,          // every change of one key
};

constexpr std::string_view name_of(Arbitration arbitration) noexcept {
    switch (arbitration) {
        case Arbitration::off:
            return "off";
        case Arbitration::conditional:
            return "conditional";
        case Arbitration::all:
            return "all";
    }
    return {};
}

// Whoever may decide in this store's place.
class Arbiter {
  public:
    virtual ~Arbiter() = default;

    // --- any thread ---
    // What is to be asked; the rest the store decides. Cheap: it is looked at for each request.
    Arbitration scope() const noexcept { return scope_.load(std::memory_order_relaxed); }
    // Null: there is no room, and nothing was asked. Whoever asks looks again when his waiter is
    // woken, and may forget the question at any time: it is decided all the same. Throws
    // std::bad_alloc, and then has not asked.
    virtual std::shared_ptr<Question> ask(Operation operation, unsigned waiter) = 0;

    // Before any thread runs. `wake` is called on another thread, and must only post.
    virtual unsigned add_waiter(std::function<void()> wake) = 0;

    // --- the waiter's thread ---
    // To be called when it was woken, between two requests: what it executes from now on, it
    // executes by the scope that is offered now.
    virtual void look(unsigned waiter) noexcept = 0;
    // It executes nothing any more.
    virtual void retire(unsigned waiter) noexcept = 0;

  protected:
    void set_scope(Arbitration scope) noexcept { scope_.store(scope, std::memory_order_relaxed); }

  private:
    std::atomic<Arbitration> scope_{Arbitration::off};
};

}  // namespace twincached::storage
