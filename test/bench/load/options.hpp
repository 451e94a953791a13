// What a run of the load generator is told on its command line.
#pragma once

#include <cstdint>
#include <string>

namespace twincached::load {

enum class Protocol : std::uint8_t { text, meta, resp };

struct Options {
    std::string host = "127.0.0.1";  // loopback only: a load is for one's own server
    std::uint16_t port = 11211;
    unsigned connections = 50;
    unsigned depth = 1;  // requests in one packet; the next go when all are answered
    unsigned keys_per_get = 1;
    std::uint64_t keys = 1'000'000;
    unsigned key_bytes = 14;
    unsigned value_bytes_min = 100;
    unsigned value_bytes_max = 100;
    double zipf = 0.0;  // exponent; 0 draws uniformly
    double get_ratio = 1.0;
    double seconds = 0.0;          // measured; or
    std::uint64_t operations = 0;  // that many requests instead
    double warmup_seconds = 0.0;
    double rate = 0.0;            // requests a second on a fixed schedule; 0 = as fast as it goes
    std::uint64_t fill_keys = 0;  // store so many keys, each once, and do nothing else
    bool sequential = false;      // keys in order instead of at random
    bool verify = false;          // compare every value with what was stored
    Protocol protocol = Protocol::text;
    bool tls = false;
    bool reconnect = false;  // each batch of requests on a connection of its own
    bool json = false;
    int pid = 0;  // report this process's CPU time for the measured window
    std::uint64_t seed = 1;
};

// Ends the program with a sentence if the words make no sense, and with help for --help.
Options parse_options(int argc, char** argv);

// Says why and ends the program: a load generator that goes on after an error measures nothing.
[[noreturn]] void give_up(const std::string& why);

}  // namespace twincached::load
