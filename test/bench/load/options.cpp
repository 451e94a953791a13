#include "test/bench/load/options.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <vector>

namespace twincached::load {
namespace {

constexpr std::uint64_t most_keys = 100'000'000;  // a key's number has eight digits
constexpr double longest_run_seconds = 600;

struct Option {
    std::string_view name;
    std::string_view help;
    std::function<void(std::string_view)> take;
    bool has_value = true;
};

template <class Number>
Number number(std::string_view name, std::string_view text) {
    Number value{};
    const auto end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec != std::errc{} || result.ptr != end) {
        give_up(std::string(name) + " does not take \"" + std::string(text) + "\"");
    }
    return value;
}

template <class Number>
Option takes(std::string_view name, std::string_view help, Number& target) {
    return {name, help,
            [name, &target](std::string_view text) { target = number<Number>(name, text); }};
}

Option says(std::string_view name, std::string_view help, bool& target) {
    return {name, help, [&target](std::string_view) { target = true; }, false};
}

// "100" or "100-500".
Option value_size(Options& options) {
    static constexpr std::string_view name = "--value";
    return {name, "bytes of a value, or a range: 100-500", [&options](std::string_view text) {
                const auto dash = text.find('-');
                options.value_bytes_min = number<unsigned>(name, text.substr(0, dash));
                options.value_bytes_max = dash == text.npos
                                              ? options.value_bytes_min
                                              : number<unsigned>(name, text.substr(dash + 1));
            }};
}

Option speaks(std::string_view name, std::string_view help, Protocol which, Protocol& target) {
    return {name, help, [which, &target](std::string_view) { target = which; }, false};
}

std::vector<Option> all_options(Options& o) {
    return {
        {"--host", "a loopback address", [&o](std::string_view text) { o.host = text; }},
        takes("--port", "its port", o.port),
        takes("--connections", "connections", o.connections),
        takes("--depth", "requests in one packet", o.depth),
        takes("--keys-per-get", "keys of a get", o.keys_per_get),
        takes("--keys", "number of keys", o.keys),
        takes("--key-bytes", "length of a key, 9 to 250", o.key_bytes),
        value_size(o),
        takes("--zipf", "exponent of the keys' popularity, 0 = uniform", o.zipf),
        takes("--get-ratio", "share of gets, 0 to 1", o.get_ratio),
        takes("--seconds", "time to measure", o.seconds),
        takes("--operations", "requests to send instead", o.operations),
        takes("--warmup", "seconds before the measured window", o.warmup_seconds),
        takes("--rate", "requests a second, latency counted from when each was due", o.rate),
        takes("--fill-keys", "store so many keys once each, nothing else", o.fill_keys),
        takes("--pid", "report this process's CPU time", o.pid),
        takes("--seed", "of all random choices", o.seed),
        says("--sequential", "keys in order", o.sequential),
        says("--verify", "compare every value with what was stored", o.verify),
        speaks("--meta", "meta commands, mg and ms, instead of the classic ones", Protocol::meta,
               o.protocol),
        speaks("--resp", "redis' protocol: GET, MGET and SET", Protocol::resp, o.protocol),
        says("--tls", "speak TLS, whatever certificate the server shows", o.tls),
        says("--reconnect", "a connection of its own for the requests of each packet", o.reconnect),
        says("--json", "one line of JSON", o.json),
    };
}

void check(const Options& o) {
    if (o.host.rfind("127.", 0) != 0) give_up("only loopback addresses are loaded");
    if (o.key_bytes < 9 || o.key_bytes > 250) give_up("--key-bytes must be 9 to 250");
    if (o.keys == 0 || o.keys > most_keys || o.fill_keys > most_keys) {
        give_up("between 1 and 100,000,000 keys, please");
    }
    if (o.value_bytes_max < o.value_bytes_min) give_up("--value A-B needs A <= B");
    if (o.connections == 0 || o.depth == 0 || o.keys_per_get == 0) {
        give_up("--connections, --depth and --keys-per-get must be at least 1");
    }
    if (o.fill_keys == 0 && o.operations == 0 && o.seconds <= 0) {
        give_up("give --seconds, --operations or --fill-keys");
    }
    if (o.seconds + o.warmup_seconds > longest_run_seconds) give_up("at most 600 s");
    if (o.reconnect && (o.rate > 0 || o.fill_keys > 0)) {
        give_up("--reconnect goes as fast as it can, and does not fill");
    }
    if (o.rate > 0 && o.seconds <= 0) give_up("--rate needs --seconds");
}

[[noreturn]] void print_help(const std::vector<Option>& options) {
    std::puts("mcload: load for a memcached or a redis on this machine\n");
    for (const auto& option : options) {
        std::printf("  %-16.*s %.*s\n", static_cast<int>(option.name.size()), option.name.data(),
                    static_cast<int>(option.help.size()), option.help.data());
    }
    std::exit(0);
}

}  // namespace

void give_up(const std::string& why) {
    std::fprintf(stderr, "mcload: %s\n", why.c_str());
    std::exit(2);
}

Options parse_options(int argc, char** argv) {
    Options options;
    const auto known = all_options(options);
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--help") print_help(known);
        const Option* found = nullptr;
        for (const auto& option : known) {
            if (option.name == word) found = &option;
        }
        if (found == nullptr) give_up("unknown option " + std::string(word) + " (--help)");
        if (!found->has_value) {
            found->take({});
        } else if (++i < argc) {
            found->take(argv[i]);
        } else {
            give_up(std::string(word) + " needs a value");
        }
    }
    check(options);
    return options;
}

}  // namespace twincached::load
