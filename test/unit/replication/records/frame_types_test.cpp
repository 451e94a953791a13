#include "replication/records/frame_types.hpp"

#include "replication/records/frame.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::replication;

namespace {

// The header of a frame of that type whose payload has so many bytes; no more of it is there.
std::string header_of(FrameType type, std::size_t payload) {
    lib::ByteBuffer out;
    FrameWriter frame(out, FrameType::batch);
    out.append(std::string(payload, 'x'));
    frame.finish();
    std::string header(out.readable().substr(0, frame_header_size));
    header[1] = static_cast<char>(type);
    return header;
}

}  // namespace

TEST_CASE("every frame has a number and a name of its own") {
    std::set<FrameType> types;
    std::set<std::string_view> names;
    for (const auto& row : frame_rows) {
        CHECK(types.insert(row.type).second);
        CHECK(names.insert(row.name).second);
        CHECK(find_frame(row.type) == &row);
    }
    CHECK(find_frame(static_cast<FrameType>(0x7F)) == nullptr);
}

TEST_CASE("a frame that is longer than its row allows is refused by its header") {
    for (const auto& row : frame_rows) {
        INFO(row.name);
        if (row.payload_limit > 0) {
            CHECK(read_frame(header_of(row.type, row.payload_limit)).status ==
                  FrameStatus::need_more);
        }
        if (row.payload_limit == frame_payload_limit) continue;  // no frame at all may be longer
        CHECK(read_frame(header_of(row.type, row.payload_limit + 1)).status ==
              FrameStatus::malformed);
    }
}

TEST_CASE("only a numbered frame may have a number, and it must have one") {
    for (const auto& row : frame_rows) {
        INFO(row.name);
        const Frame loose{row.type, 0, 0, {}};
        const Frame numbered{row.type, 0, 1, {}};
        CHECK(is_in_order(loose) == (row.order != FrameOrder::numbered));
        CHECK(is_in_order(numbered) == (row.order != FrameOrder::loose));
    }
}
