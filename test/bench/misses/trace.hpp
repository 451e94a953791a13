// A trace of requests to a cache, recorded or made up. Objects are numbered from 0 without gaps, so
// that whoever simulates a cache finds what belongs to one in an array.
//
// In a file, 16 bytes ("CTR1", 0, the number of records) and records of 24 bytes:
//
//    0      4     8    16           20          22          23     24
//    [ time | ttl | id | value bytes | key bytes | operation | free ]    seconds; get set delete
//    add
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace twincached::misses {

enum class Operation : std::uint8_t { get, set, remove, add };

struct Request {
    std::uint32_t second = 0;
    std::uint32_t lifetime = 0;  // seconds; 0: for ever
    std::uint32_t object = 0;
    std::uint32_t value_bytes = 0;
    std::uint16_t key_bytes = 0;
    Operation operation = Operation::get;
};

struct Trace {
    std::string name;
    std::vector<Request> requests;
    std::uint32_t objects = 0;  // all numbers are below it

    // Of keys and values of all objects, each as large as it was last.
    std::uint64_t footprint_bytes() const;
};

// Values become `size_scale` times as large. Ends the program with a message if it is none.
Trace read_trace(const std::string& file, double size_scale);

}  // namespace twincached::misses
