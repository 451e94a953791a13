#include "app/options/suggestion.hpp"

#include <algorithm>
#include <vector>

namespace twincached::app {

std::size_t edit_distance(std::string_view left, std::string_view right) {
    // Three rows of the usual table: before last, last, current.
    std::vector<std::size_t> before(right.size() + 1);
    std::vector<std::size_t> last(right.size() + 1);
    std::vector<std::size_t> current(right.size() + 1);
    for (std::size_t j = 0; j <= right.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= left.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const std::size_t substitution = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
            current[j] = std::min({last[j] + 1, current[j - 1] + 1, substitution});
            const bool swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
        }
        before.swap(last);
        last.swap(current);
    }
    return last[right.size()];
}

std::string suggestion(std::string_view written, std::span<const std::string_view> candidates) {
    // A third of the letters may be wrong; anything farther is more confusing than silence.
    std::size_t best_distance = std::max<std::size_t>(1, written.size() / 3) + 1;
    std::string_view best;
    for (const auto candidate : candidates) {
        const auto distance = edit_distance(written, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    if (best.empty()) return {};
    return " (did you mean '" + std::string(best) + "'?)";
}

}  // namespace twincached::app
