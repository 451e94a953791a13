// mcload: load for a memcached-compatible server on this machine, and what it cost the server.
#include "test/bench/load/options.hpp"
#include "test/bench/load/runner.hpp"

#include <algorithm>
#include <cstdio>

namespace {

using twincached::load::Options;
using twincached::load::Tally;
using twincached::load::Window;

double microseconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) * 1e-3;
}

struct Figures {
    double per_second;
    double server_us;
    double own_us;
    double p50, p99, p999, slowest;
};

Figures figures_of(const Tally& tally, const Window& window) {
    const auto operations = static_cast<double>(std::max<std::uint64_t>(tally.operations, 1));
    return {operations / window.seconds,
            window.server_cpu_seconds * 1e6 / operations,
            window.own_cpu_seconds * 1e6 / operations,
            microseconds(tally.latency_ns.percentile(0.5)),
            microseconds(tally.latency_ns.percentile(0.99)),
            microseconds(tally.latency_ns.percentile(0.999)),
            microseconds(tally.slowest_ns)};
}

void print_json(const Tally& tally, const Window& window) {
    const auto f = figures_of(tally, window);
    std::printf(
        "{\"seconds\": %.4f, \"operations\": %llu, \"operations_per_second\": %.0f, "
        "\"keys\": %llu, \"hits\": %llu, \"misses\": %llu, \"stored\": %llu, "
        "\"errors\": %llu, \"bad_values\": %llu, "
        "\"latency_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}, "
        "\"server_cpu_seconds\": %.4f, \"server_us_per_operation\": %.4f, "
        "\"server_resident_kib\": %llu, \"own_us_per_operation\": %.4f}\n",
        window.seconds, static_cast<unsigned long long>(tally.operations), f.per_second,
        static_cast<unsigned long long>(tally.keys), static_cast<unsigned long long>(tally.hits),
        static_cast<unsigned long long>(tally.misses),
        static_cast<unsigned long long>(tally.stored),
        static_cast<unsigned long long>(tally.errors),
        static_cast<unsigned long long>(tally.bad_values), f.p50, f.p99, f.p999, f.slowest,
        window.server_cpu_seconds, f.server_us,
        static_cast<unsigned long long>(window.server.resident_kib), f.own_us);
}

void print_text(const Options& options, const Tally& tally, const Window& window) {
    const auto f = figures_of(tally, window);
    std::printf("%.2f s, %llu requests: %.0f/s\n", window.seconds,
                static_cast<unsigned long long>(tally.operations), f.per_second);
    std::printf("  hits %llu, misses %llu, stored %llu, errors %llu, bad values %llu\n",
                static_cast<unsigned long long>(tally.hits),
                static_cast<unsigned long long>(tally.misses),
                static_cast<unsigned long long>(tally.stored),
                static_cast<unsigned long long>(tally.errors),
                static_cast<unsigned long long>(tally.bad_values));
    std::printf("  latency us: p50 %.0f, p99 %.0f, p99.9 %.0f, max %.0f\n", f.p50, f.p99, f.p999,
                f.slowest);
    if (options.pid > 0) {
        std::printf("  server: %.3f us of CPU per request, %llu KiB resident\n", f.server_us,
                    static_cast<unsigned long long>(window.server.resident_kib));
    }
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = twincached::load::parse_options(argc, argv);
    twincached::load::Runner runner(options);
    if (options.fill_keys > 0) {
        runner.fill();
    } else if (options.rate > 0) {
        runner.run_open();
    } else {
        runner.run_closed();
    }
    const auto& tally = runner.tally();
    if (options.json) {
        print_json(tally, runner.window());
    } else {
        print_text(options, tally, runner.window());
    }
    if (tally.errors > 0) std::fprintf(stderr, "first error: %s\n", tally.first_error.c_str());
    return tally.errors > 0 || tally.bad_values > 0 ? 1 : 0;
}
