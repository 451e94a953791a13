// Networks as operators write them: "10.0.0.0/8", "::1", "fd00::/8". Values; pure.
#pragma once

#include "app/addresses/client_address.hpp"
#include "lib/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

class Network {
  public:
    // An address without a length is a network of one.
    static lib::Parsed<Network> parse(std::string_view text);

    bool contains(const ClientAddress& client) const noexcept;

  private:
    ClientAddress address_;
    unsigned bits_ = 0;
};

// Those that a list names; the error says which one is none.
lib::Parsed<std::vector<Network>> parse_networks(const std::vector<std::string>& texts);

bool is_in_any(const std::vector<Network>& networks, const ClientAddress& client) noexcept;

}  // namespace twincached::app
