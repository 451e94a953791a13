#include "test/simulation/shrink.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <utility>

namespace twincached::simulation {
namespace {

constexpr unsigned tries_limit = 4000;

class Shrinker {
  public:
    Shrinker(const KeyPool& pool, WorldOptions options)
        : pool_(pool), options_(std::move(options)) {}

    Shrunk run() {
        World first(pool_, options_);
        result_.violation = first.run();
        result_.steps = first.steps_taken();
        result_.before = result_.steps.size();
        for (auto size = result_.steps.size() / 2; size > 0; size /= 2) {
            // Pieces of one step are tried again while that helps.
            while (drop_pieces(size) && size == 1 && tries_ < tries_limit) {
            }
        }
        return result_;
    }

  private:
    // From the end: what happened last is rarely the cause.
    bool drop_pieces(std::size_t size) {
        bool dropped = false;
        for (auto end = result_.steps.size(); end > 0 && tries_ < tries_limit;) {
            const auto begin = end - std::min(end, size);
            dropped = fails_without(begin, end) || dropped;
            end = std::min(begin, result_.steps.size());
        }
        return dropped;
    }

    bool fails_without(std::size_t begin, std::size_t end) {
        ++tries_;
        auto steps = result_.steps;
        steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(begin),
                    steps.begin() + static_cast<std::ptrdiff_t>(end));
        options_.only = steps;
        World world(pool_, options_);
        auto violation = world.run();
        if (violation.empty()) return false;
        result_.violation = std::move(violation);
        result_.steps = world.steps_taken();
        return true;
    }

    const KeyPool& pool_;
    WorldOptions options_;
    Shrunk result_;
    unsigned tries_ = 0;
};

}  // namespace

Shrunk shrink(const KeyPool& pool, WorldOptions options) {
    options.trace = false;
    return Shrinker(pool, std::move(options)).run();
}

std::string to_text(const std::vector<unsigned>& steps) {
    std::string text;
    for (std::size_t i = 0; i < steps.size();) {
        auto last = i;
        while (last + 1 < steps.size() && steps[last + 1] == steps[last] + 1)
            ++last;
        if (!text.empty()) text += ',';
        text += std::to_string(steps[i]);
        if (last > i) text += '-' + std::to_string(steps[last]);
        i = last + 1;
    }
    return text;
}

std::vector<unsigned> steps_from(const std::string& text) {
    std::vector<unsigned> steps;
    const char* at = text.c_str();
    while (*at != '\0') {
        char* end = nullptr;
        const auto first = std::strtoul(at, &end, 10);
        if (end == at) return {};
        auto last = first;
        if (*end == '-') last = std::strtoul(end + 1, &end, 10);
        for (auto step = first; step <= last && step < first_rest; ++step)
            steps.push_back(static_cast<unsigned>(step));
        at = *end == ',' ? end + 1 : end;
        if (*end != ',' && *end != '\0') return {};
    }
    return steps;
}

}  // namespace twincached::simulation
