// A driver for tests, as small as an honest one can be: two nodes of one process that keep each
// other in step by way of a room (mirror_room.hpp). It is made of what every driver may use -
// replication/changes and replication/records - and of nothing that belongs to the pair; that it
// passes the suite of all drivers shows that the plug asks for nothing else.
//
//     changes of the store -> ChangeSink -> [thread "mirror"] -> frames -> room -> the other's
//     store
//
// What a change log cannot hold is told bucket by bucket: what the bucket holds, and up to which
// version whatever it does not hold was removed. A node that comes back with its items knows no
// more of the past than when that ended: its removals count up to there.
#pragma once

#include "replication/replicator_factory.hpp"
#include "test/drivers/network.hpp"

#include <memory>
#include <string>

namespace twincached::test {

// Filled by the rows of the factory.
struct MirrorOptions {
    std::string room;  // where it meets the other
    unsigned place{};  // 0 or 1: another for each
};

extern const replication::ReplicatorFactory mirror_factory;

// What the mirrors of that room speak over.
std::unique_ptr<Network> mirror_network(const std::string& room);

}  // namespace twincached::test
