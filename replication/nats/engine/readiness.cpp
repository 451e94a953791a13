#include "replication/nats/engine/readiness.hpp"

#include "replication/nats/engine/starting_over.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace twincached::replication::nats {

void Readiness::judge(std::uint64_t refused_ms) {
    if (footing_.is_ready) return;
    if (footing_.is_in_step) return become_ready("in step with the log");
    if (started_ms_ == 0) return;
    const auto now_ms = context_.now.steady_ms;
    // What another site says is given up after boot-grace, and then a neighbour is asked.
    const std::uint64_t graces = footing_.has_looked_at(own_stream) ? 2 : 1;
    const bool is_cut_off = now_ms >= cut_off_ms_ + graces * ms_of(context_.options.boot_grace);
    if (!footing_.has_looked(context_) && is_cut_off) {
        drop_unconfirmed();
        return become_ready(footing_.is_connected ? "alone: the log could not be read"
                                                  : "alone: no broker has let it take part");
    }
    if (refused_ms >= std::max<std::uint64_t>(ms_of(context_.options.boot_grace), 1)) {
        drop_unconfirmed();
        return become_ready("alone: the broker takes nothing that it says");
    }
    if (now_ms >= started_ms_ + ms_of(context_.options.sync_serve))
        become_ready("it has waited for too long");
}

void Readiness::drop_unconfirmed() {
    if (!std::exchange(footing_.is_unconfirmed, false)) return;
    footing_.recalled_era = 0;
    // They may have been removed where nobody is left who could tell.
    drop_items(context_.sink.changes(), *context_.store, context_.now);
    vouch_for_nothing(context_);
    footing_.is_second = true;
    state_.note(LogLevel::warning,
                "the items of before the restart are dropped: nobody confirmed them");
}

void Readiness::become_ready(std::string_view why) {
    footing_.is_ready = true;
    state_.note(LogLevel::info, "ready: " + std::string(why));
    owner_.ready();
}

}  // namespace twincached::replication::nats
