// How one protocol spells what is asked and answers it: the text protocol, its meta commands, and
// RESP, which redis speaks. What they share stands in Connection: an answer is a line, and after
// some lines come as many bytes as they say and a line end.
#pragma once

#include "test/bench/load/options.hpp"
#include "test/bench/load/workload.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace twincached::load {

struct Answer {
    enum class Meaning : std::uint8_t {
        value,    // `bytes` of a value and a line end follow
        missing,  // in the place of a value
        several,  // only says how many answers follow
        end,      // nothing more comes of this get
        stored,
        failure,  // whatever else
    };
    Meaning meaning = Meaning::failure;
    std::uint64_t bytes = 0;
    std::string_view key = {};  // of a value, if the protocol repeats it; a part of the line
};

class Dialect {
  public:
    virtual ~Dialect() = default;

    virtual void append_get(std::string& out, const Content& content,
                            std::span<const std::uint32_t> keys) const = 0;
    virtual void append_set(std::string& out, const Content& content, std::uint32_t key) const = 0;
    // What a line says, without its line end.
    virtual Answer read(std::string_view line) const = 0;
    // True where keys that are missing are left out of a get's answers, and an end stands behind
    // them. Else there is an answer for each key, and the last one is the end.
    virtual bool ends_a_get() const = 0;
};

std::unique_ptr<const Dialect> make_dialect(Protocol protocol);

}  // namespace twincached::load
