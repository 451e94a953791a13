// How many requests miss: the store beside what the literature's policies would do with the same
// bytes, object by object, and beside who knows the future.
//
//    misses [--memory 6,16,64,192] [--threads N] [--shards N] [--requests N] [--seed N]
//           [--size-scale F] [--overhead BYTES] [--store-only] [--json] [KIND | FILE]...
//
// KIND is one of the made-up traces (all of them by default), FILE a recorded one (trace.hpp). A
// row has the trace, MiB, the miss ratio of the store and of each policy, and the store's beside
// that of the best practical policy. Objects in a policy take `overhead` bytes beside their key and
// value: as many as the store needs.

#include "lib/hash.hpp"
#include "storage/store.hpp"
#include "test/bench/misses/generated.hpp"
#include "test/bench/misses/policy.hpp"
#include "test/bench/misses/replay.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace twincached;

struct Settings {
    std::vector<double> memory_mib = {6, 16, 64, 192};
    std::vector<std::string> traces;
    misses::Making making;
    unsigned threads = 4;
    unsigned shards = 0;
    std::uint32_t overhead = 30;
    bool store_only = false;
    bool json = false;
};

std::vector<double> numbers(const std::string& text) {
    std::vector<double> all;
    std::istringstream stream(text);
    for (std::string one; std::getline(stream, one, ',');)
        all.push_back(std::atof(one.c_str()));
    return all;
}

Settings parse(int count, char** words) {
    Settings settings;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        const auto text = [&] { return std::string(i + 1 < count ? words[++i] : ""); };
        const auto number = [&] { return std::atof(text().c_str()); };
        if (word == "--memory")
            settings.memory_mib = numbers(text());
        else if (word == "--threads")
            settings.threads = static_cast<unsigned>(number());
        else if (word == "--shards")
            settings.shards = static_cast<unsigned>(number());
        else if (word == "--requests")
            settings.making.requests = static_cast<std::size_t>(number());
        else if (word == "--seed")
            settings.making.seed = static_cast<std::uint64_t>(number());
        else if (word == "--size-scale")
            settings.making.size_scale = number();
        else if (word == "--overhead")
            settings.overhead = static_cast<std::uint32_t>(number());
        else if (word == "--store-only")
            settings.store_only = true;
        else if (word == "--json")
            settings.json = true;
        else
            settings.traces.emplace_back(word);
    }
    if (settings.traces.empty()) settings.traces = misses::generated_kinds();
    return settings;
}

struct Figure {
    std::string name;
    double misses;
    bool is_practical;
};

double of_store(const Settings& settings, const misses::Trace& trace, std::uint64_t bytes) {
    auto options = storage::default_store_options();
    options.memory_limit_bytes = bytes;
    options.threads = settings.threads;
    options.shards = settings.shards;
    options.node = 0;
    storage::NoReplication sink;
    storage::Store store(options, lib::KeyedHash("misses"), sink);
    return misses::replay(store, trace).ratio();
}

std::vector<Figure> figures_of(const Settings& settings, const misses::Trace& trace,
                               std::uint64_t bytes) {
    std::vector<Figure> figures;
    figures.push_back({"store", of_store(settings, trace, bytes), false});
    if (settings.store_only) return figures;
    for (const misses::PolicyRow& row : misses::policies()) {
        const auto policy = row.make(trace, bytes);
        figures.push_back({row.name,
                           misses::replay(*policy, trace, bytes, settings.overhead).ratio(),
                           row.is_practical});
    }
    return figures;
}

double best_practical(const std::vector<Figure>& figures) {
    double best = 2;
    for (const Figure& figure : figures)
        if (figure.is_practical) best = std::min(best, figure.misses);
    return best;
}

void print(const Settings& settings, const std::string& trace, double mib,
           const std::vector<Figure>& figures) {
    const double ratio = figures.front().misses / best_practical(figures);
    if (settings.json) {
        std::printf(R"({"trace": "%s", "mib": %g, "to_best": %.4f)", trace.c_str(), mib, ratio);
        for (const Figure& figure : figures)
            std::printf(R"(, "%s": %.5f)", figure.name.c_str(), figure.misses);
        std::printf("}\n");
    } else {
        std::printf("%-20s %5g ", trace.c_str(), mib);
        for (const Figure& figure : figures)
            std::printf(" %9.4f", figure.misses);
        if (!settings.store_only) std::printf("   %.3f", ratio);
        std::printf("\n");
    }
    std::fflush(stdout);
}

void print_head(const Settings& settings) {
    if (settings.json) return;
    std::printf("%-20s %5s  %9s", "trace", "MiB", "store");
    if (!settings.store_only) {
        for (const misses::PolicyRow& row : misses::policies())
            std::printf(" %9.9s", row.name.c_str());
        std::printf("   to best");
    }
    std::printf("\n");
}

}  // namespace

int main(int count, char** words) {
    const Settings settings = parse(count, words);
    const auto kinds = misses::generated_kinds();
    print_head(settings);
    for (const std::string& name : settings.traces) {
        const bool is_made = std::find(kinds.begin(), kinds.end(), name) != kinds.end();
        const misses::Trace trace = is_made ? misses::generate(name, settings.making)
                                            : misses::read_trace(name, settings.making.size_scale);
        for (const double mib : settings.memory_mib) {
            const auto bytes = static_cast<std::uint64_t>(mib * (1 << 20));
            print(settings, trace.name, mib, figures_of(settings, trace, bytes));
        }
    }
}
