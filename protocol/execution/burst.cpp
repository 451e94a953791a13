#include "protocol/execution/burst.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace twincached::protocol {

Next Burst::settle(Next outcome, const TicketList::LastAnswer& answer, std::size_t consumed) {
    const bool waits = must_be_confirmed(answer);
    if (is_suspended(outcome)) {
        state.progress.started = true;
        // What has been said of it may have left before the rest is said.
        if (waits) state.executor.tickets()->last_answer = {};
        return outcome;
    }
    finish(consumed);
    if (outcome == Next::close) {
        state.was_asked_to_close = true;
        return Next::close;
    }
    // Nothing may follow an answer that may still be turned into an error.
    return waits ? Next::write_first : Next::go_on;
}

// True if each answer waits for the peer by itself, and this one has to.
bool Burst::must_be_confirmed(const TicketList::LastAnswer& answer) {
    auto* tickets = state.executor.tickets();
    if (tickets == nullptr || !tickets->has_fresh()) return false;
    if (output.size() == answer.begins_at) {
        tickets->drop_fresh();
        return false;
    }
    tickets->keep_fresh();
    if (state.executor.settings().confirmation != Confirmation::of_each_change) return false;
    tickets->last_answer = answer;
    // Of an answer that came in parts, the first may be on its way.
    tickets->last_answer.can_be_taken_back = !state.progress.started;
    return true;
}

void Burst::look_ahead(Glance glance) noexcept {
    std::array<std::string_view, Executor::batch_limit> keys;
    const auto here = input.readable();
    const auto ahead = glance(here, keys);
    seen = here.data() + std::min(ahead.bytes, here.size());
    // The one that is next is looked up at once.
    if (ahead.count < 2) return;
    auto& store = state.executor.store();
    std::array<storage::Key, keys.size()> hashed;
    for (std::size_t i = 0; i < ahead.count; ++i)
        hashed[i] = store.key(keys[i]);
    store.prefetch(std::span(hashed).first(ahead.count));
}

// For whoever measures and waits, a run is one request.
bool Burst::finish_run(const GetRun& run, std::size_t count) noexcept {
    if (count == 0) return false;
    input.consume(run.bytes_of(count));
    spend(count);
    ++state.finished_requests;
    return true;
}

void Burst::finish(std::size_t consumed) noexcept {
    answers.set_quiet(false);
    input.consume(consumed);
    spend(1);
    is_run = true;
    ++state.finished_requests;
    state.progress = {};
    state.intake.forget();
}

}  // namespace twincached::protocol
