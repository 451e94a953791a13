// What `stats` and its kin answer: the keys that memcached has, in its order, with real values
// where this server can know one and 0 where the key has no meaning here; then keys of our own.
// No key of the general report holds a ':', because exporters read that as a slab number.
#pragma once

#include "protocol/service.hpp"

namespace twincached::protocol {

class StatsReport {
  public:
    // `service` must outlive it.
    StatsReport(Service& service, const storage::Now& now) noexcept
        : service_(service), now_(now) {}

    void general(StatVisitor visit) const;
    void items(StatVisitor visit) const;
    void slabs(StatVisitor visit) const;

  private:
    Service& service_;
    const storage::Now& now_;
};

}  // namespace twincached::protocol
