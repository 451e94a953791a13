// How often a test repeats itself, or how much it stores, where more is better and costs time.
#pragma once

namespace twincached::test {

// `all` in optimised builds without a sanitizer; `some`, which must show the same, in the others,
// where everything takes ten times as long and what one round reaches is what they look for.
template <class Number>
constexpr Number rounds(Number all, Number some) noexcept {
#ifdef __OPTIMIZE__
    return TWINCACHED_SANITIZED ? some : all;
#else
    static_cast<void>(all);
    return some;
#endif
}

}  // namespace twincached::test
