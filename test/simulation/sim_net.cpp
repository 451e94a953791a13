#include "test/simulation/sim_net.hpp"

#include <algorithm>

namespace twincached::simulation {

void SimPipe::send(std::string_view bytes, std::uint64_t now_ms, lib::Random& random) {
    const auto last = pieces_.empty() ? 0 : pieces_.back().arrives_ms;
    busy_until_ms_ = std::max(busy_until_ms_, now_ms) + bytes.size() / manner_.bytes_per_ms;
    const auto late = busy_until_ms_ + manner_.delay_ms + random.below(manner_.jitter_ms + 1);
    const auto arrives = std::max(late, last);
    longest_delay_ms_ = std::max(longest_delay_ms_, arrives - now_ms);
    pieces_.push_back({arrives, std::string(bytes)});
}

std::string SimPipe::receive(std::uint64_t now_ms, lib::Random& random) {
    std::string received;
    while (!pieces_.empty() && pieces_.front().arrives_ms <= now_ms) {
        auto& bytes = pieces_.front().bytes;
        if (random.one_in(4)) {
            const auto cut = random.below(bytes.size() + 1);
            received += bytes.substr(0, cut);
            bytes.erase(0, cut);
            if (bytes.empty()) pieces_.pop_front();
            break;
        }
        received += bytes;
        pieces_.pop_front();
    }
    return received;
}

}  // namespace twincached::simulation
