// The set of states that a search has seen, as fingerprints in one open-addressed table: sixteen
// bytes a place, at most two thirds of them taken.
#pragma once

#include "test/model/fingerprint.hpp"

#include <cstddef>
#include <vector>

namespace twincached::model {

class VisitedSet {
  public:
    VisitedSet() : places_(std::size_t{1} << 12) {}

    // True if it is new. The all-zero fingerprint marks a free place and is taken for 1.
    bool insert(Fingerprint print) {
        if (print == Fingerprint{}) print.low = 1;
        Fingerprint& place = find(places_, print);
        if (place == print) return false;
        place = print;
        if (++size_ * 3 > places_.size() * 2) grow();
        return true;
    }

    void prefetch(Fingerprint print) const noexcept {
        __builtin_prefetch(&places_[print.low & (places_.size() - 1)]);
    }

    std::size_t size() const noexcept { return size_; }

  private:
    static Fingerprint& find(std::vector<Fingerprint>& places, Fingerprint print) noexcept {
        const std::size_t mask = places.size() - 1;
        std::size_t i = print.low & mask;
        while (places[i] != Fingerprint{} && places[i] != print)
            i = (i + 1) & mask;
        return places[i];
    }

    void grow() {
        std::vector<Fingerprint> larger(places_.size() * 2);
        for (const Fingerprint& print : places_)
            if (print != Fingerprint{}) find(larger, print) = print;
        places_.swap(larger);
    }

    std::vector<Fingerprint> places_;
    std::size_t size_ = 0;
};

}  // namespace twincached::model
