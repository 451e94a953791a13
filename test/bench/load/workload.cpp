#include "test/bench/load/workload.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace twincached::load {
namespace {

constexpr std::uint64_t spread_multiplier = 0x9E3779B1;
constexpr std::uint64_t text_offsets = 1U << 16;
constexpr unsigned key_digits = 8;

// Ranks 1 to n with any exponent above 0, by rejection inversion (Hoermann and Derflinger, 1996).
class Zipf {
  public:
    Zipf(double ranks, double exponent) : ranks_(ranks), exponent_(exponent) {
        first_ = integral(1.5) - 1.0;
        last_ = integral(ranks + 0.5);
        cut_ = 2.0 - inverse(integral(2.5) - density(2.0));
    }

    template <class Unit>
    std::uint64_t draw(Unit unit) const {
        for (;;) {
            const double u = last_ + unit() * (first_ - last_);
            const double x = inverse(u);
            const double rank = std::clamp(std::floor(x + 0.5), 1.0, ranks_);
            if (rank - x <= cut_ || u >= integral(rank + 0.5) - density(rank)) {
                return static_cast<std::uint64_t>(rank);
            }
        }
    }

  private:
    // log1p(x)/x and expm1(x)/x, by their series where the quotient would lose all digits.
    static double log_quotient(double x) {
        if (std::fabs(x) > 1e-8) return std::log1p(x) / x;
        return 1 - x * (0.5 - x * (1.0 / 3 - 0.25 * x));
    }
    static double exp_quotient(double x) {
        if (std::fabs(x) > 1e-8) return std::expm1(x) / x;
        return 1 + x * 0.5 * (1 + x * (1.0 / 3) * (1 + 0.25 * x));
    }
    double density(double x) const { return std::exp(-exponent_ * std::log(x)); }
    double integral(double x) const {
        const double log = std::log(x);
        return exp_quotient((1 - exponent_) * log) * log;
    }
    double inverse(double x) const {
        return std::exp(log_quotient(std::max(-1.0, x * (1 - exponent_))) * x);
    }

    double ranks_, exponent_, first_, last_, cut_;
};

}  // namespace

KeyStream::KeyStream(const Options& options)
    : keys_(options.keys),
      sequential_(options.sequential),
      get_ratio_(options.get_ratio),
      random_(options.seed) {
    if (options.zipf > 0) draw_zipf(options.zipf);
}

void KeyStream::draw_zipf(double exponent) {
    auto multiplier = std::max<std::uint64_t>(spread_multiplier % keys_, 1);
    while (std::gcd(multiplier, keys_) != 1)
        ++multiplier;
    const Zipf zipf(static_cast<double>(keys_), exponent);
    drawn_.resize(std::clamp<std::uint64_t>(4 * keys_, 1U << 20, 1U << 24));
    for (auto& key : drawn_) {
        const auto rank = zipf.draw([this] { return unit(); }) - 1;
        key = static_cast<std::uint32_t>(rank * multiplier % keys_);
    }
}

std::uint32_t KeyStream::next() {
    if (sequential_) return static_cast<std::uint32_t>(position_++ % keys_);
    if (drawn_.empty()) return static_cast<std::uint32_t>(random_.below(keys_));
    return drawn_[position_++ % drawn_.size()];
}

Content::Content(const Options& options)
    : key_bytes_(options.key_bytes),
      value_bytes_min_(options.value_bytes_min),
      value_bytes_max_(options.value_bytes_max),
      text_(options.value_bytes_max + text_offsets, ' ') {
    constexpr std::string_view letters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    lib::Random random(42);
    for (auto& letter : text_)
        letter = letters[random.below(letters.size())];
}

void Content::append_key(std::string& out, std::uint32_t key) const {
    out.append(key_bytes_ - key_digits, 'k');
    char digits[key_digits];
    for (unsigned i = key_digits; i-- > 0; key /= 10)
        digits[i] = static_cast<char>('0' + key % 10);
    out.append(digits, key_digits);
}

std::string_view Content::value(std::uint32_t key) const {
    const std::uint64_t mixed = lib::Random(key).next();
    const auto sizes = value_bytes_max_ - value_bytes_min_ + 1ULL;
    return {text_.data() + mixed % text_offsets, value_bytes_min_ + (mixed >> 16) % sizes};
}

}  // namespace twincached::load
