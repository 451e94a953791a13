// Which keys are asked for, and what they and their values look like. Equal seeds give equal
// streams, so that two servers can be shown the same work.
#pragma once

#include "lib/random.hpp"
#include "test/bench/load/options.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::load {

// The stream of key numbers. Zipf draws cost an exponential each, so a long sequence is drawn
// before the run and cycled; ranks are spread over the keys, so that hot ones are not neighbours.
class KeyStream {
  public:
    explicit KeyStream(const Options& options);
    std::uint32_t next();
    // True with the probability of --get-ratio.
    bool next_is_get() { return unit() < get_ratio_; }

  private:
    double unit() { return static_cast<double>(random_.next() >> 11) * 0x1.0p-53; }
    void draw_zipf(double exponent);

    std::uint64_t keys_;
    bool sequential_;
    double get_ratio_;
    lib::Random random_;
    std::vector<std::uint32_t> drawn_;
    std::uint64_t position_ = 0;
};

// How a key number is spelled and what is stored under it.
class Content {
  public:
    explicit Content(const Options& options);
    // Appends 'k's and eight digits: as many bytes as --key-bytes says.
    void append_key(std::string& out, std::uint32_t key) const;
    unsigned key_bytes() const { return key_bytes_; }
    // A key always has the same value: a piece of one long random text. Valid as long as this.
    std::string_view value(std::uint32_t key) const;

  private:
    unsigned key_bytes_;
    unsigned value_bytes_min_;
    unsigned value_bytes_max_;
    std::string text_;
};

}  // namespace twincached::load
