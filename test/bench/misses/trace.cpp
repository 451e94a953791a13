#include "test/bench/misses/trace.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <unordered_map>

namespace twincached::misses {

namespace {

struct Record {
    std::uint32_t time;
    std::uint32_t ttl;
    std::uint64_t id;
    std::uint32_t value_bytes;
    std::uint16_t key_bytes;
    std::uint8_t operation;
    std::uint8_t unused;
};
static_assert(sizeof(Record) == 24);

constexpr std::uint16_t key_bytes_least = 4;
constexpr std::uint16_t key_bytes_most = 250;

std::vector<Record> read_records(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    std::array<char, 16> head{};
    file.read(head.data(), head.size());
    if (!file || std::memcmp(head.data(), "CTR1", 4) != 0) {
        std::fprintf(stderr, "%s: not a trace\n", name.c_str());
        std::exit(1);
    }
    std::uint64_t count = 0;
    std::memcpy(&count, head.data() + 8, sizeof count);
    std::vector<Record> records(count);
    file.read(reinterpret_cast<char*>(records.data()),
              static_cast<std::streamsize>(count * sizeof(Record)));
    return records;
}

}  // namespace

std::uint64_t Trace::footprint_bytes() const {
    std::vector<std::uint64_t> bytes(objects);
    for (const Request& request : requests)
        bytes[request.object] = request.value_bytes + request.key_bytes;
    std::uint64_t sum = 0;
    for (const std::uint64_t one : bytes)
        sum += one;
    return sum;
}

Trace read_trace(const std::string& file, double size_scale) {
    Trace trace;
    trace.name = file.substr(file.rfind('/') + 1);
    std::unordered_map<std::uint64_t, std::uint32_t> numbers;
    const auto records = read_records(file);
    trace.requests.reserve(records.size());
    for (const Record& record : records) {
        const auto number =
            numbers.try_emplace(record.id, static_cast<std::uint32_t>(numbers.size())).first;
        Request request;
        request.second = record.time - records.front().time;
        request.lifetime = record.ttl;
        request.object = number->second;
        request.value_bytes =
            static_cast<std::uint32_t>(std::max(1.0, record.value_bytes * size_scale + 0.5));
        request.key_bytes = std::clamp(record.key_bytes, key_bytes_least, key_bytes_most);
        request.operation = static_cast<Operation>(record.operation);
        trace.requests.push_back(request);
    }
    trace.objects = static_cast<std::uint32_t>(numbers.size());
    return trace;
}

}  // namespace twincached::misses
