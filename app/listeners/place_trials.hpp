// Places tried as a start would bind them, for --check-config: at each address a port of the
// system's choice is bound and let go, for a node that runs may have the right one. What was tried
// is taken for what comes after it. One thread; blocking.
#pragma once

#include "app/listeners/listener_places.hpp"

#include <set>
#include <string>
#include <vector>

namespace twincached::app {

class PlaceTrials {
  public:
    // Throws std::system_error, as bind would: the machine does not have the address, this process
    // not the right to the port, or what was tried before has both. Port 0: any that is free.
    void try_tcp(const PlaceAddress& place);

    // Whether a unix socket can have that name; not whether its files can be made. `option` is who
    // asks for it. Throws std::runtime_error.
    void try_unix(const std::string& option, const std::string& path);

  private:
    std::vector<PlaceAddress> tcp_;
    std::set<std::string> paths_;
};

}  // namespace twincached::app
