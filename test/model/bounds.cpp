#include "test/model/bounds.hpp"

#include "test/model/state.hpp"

#include <array>

namespace twincached::model {

namespace {

struct Named {
    std::string_view name;
    std::uint8_t& value;
    unsigned highest;
};

std::array<Named, 18> named(Bounds& bounds) {
    Events& events = bounds.events;
    return {{{"keys", bounds.keys, max_keys},
             {"log-entries", bounds.log_entries, max_log_entries},
             {"window", bounds.window, max_window},
             {"linked", bounds.linked, 1},
             {"digests", bounds.digests, 1},
             {"writes", events.writes, 30},
             {"touches", events.touches, 30},
             {"flushes", events.flushes, 30},
             {"evictions", events.evictions, 30},
             {"expiries", events.expiries, 30},
             {"overflows", events.overflows, 30},
             {"breaks", events.breaks, 30},
             {"crashes", events.crashes, 30},
             {"rollbacks", events.rollbacks, 1},
             {"clock-jumps", events.clock_jumps, 30},
             {"schedules", events.schedules, 30},
             {"restarts", events.restarts, 30},
             {"forgeries", events.forgeries, 30}}};
}

}  // namespace

bool set_bound(Bounds& bounds, std::string_view name, unsigned value) {
    for (const Named& bound : named(bounds)) {
        if (bound.name != name) continue;
        if (value > bound.highest) return false;
        bound.value = static_cast<std::uint8_t>(value);
        return bounds.keys > 0 && bounds.log_entries > 0 && bounds.window > 0;
    }
    return false;
}

std::string describe(const Bounds& bounds) {
    Bounds copy = bounds;
    std::string text;
    for (const Named& bound : named(copy)) {
        if (!text.empty()) text += ' ';
        text += std::string(bound.name) + '=' + std::to_string(bound.value);
    }
    return text;
}

}  // namespace twincached::model
