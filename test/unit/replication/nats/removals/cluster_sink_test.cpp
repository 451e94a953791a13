#include "replication/nats/removals/cluster_sink.hpp"

#include "test/unit/replication/nats/cluster_room.hpp"

#include <catch2/catch.hpp>

using namespace twincached;
using namespace twincached::replication::nats;

TEST_CASE("a removal is untold until all is acknowledged that the change log held of it") {
    ClusterRoom room;
    const auto bucket = room.bucket_of("key");
    room.set("key", "value");
    CHECK_FALSE(room.sink.has_untold_removal(0, bucket));
    room.remove("key");
    CHECK(room.sink.has_untold_removal(0, bucket));
    CHECK_FALSE(room.sink.has_untold_removal(0, room.bucket_of("other")));
    auto& log = room.tracking().log;
    while (const auto found = log.next_unsent())
        log.acknowledge(log.mark_sent(found));
    CHECK_FALSE(room.sink.has_untold_removal(0, bucket));
    room.set("key", "value");
    CHECK_FALSE(room.sink.has_untold_removal(0, bucket));
}
