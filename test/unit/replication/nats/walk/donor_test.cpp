#include "replication/nats/walk/donor.hpp"

#include "replication/records/data_frames.hpp"
#include "test/unit/replication/nats/cluster_room.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::nats;

namespace {

struct KeptReplies final : NotedBroker {
    std::vector<std::string> replies;
    void reply(std::string_view, std::string_view payload) override {
        replies.emplace_back(payload);
    }
};

// A donor that holds nothing; what it says of one item of who asks.
struct Room : ClusterRoom {
    static constexpr BucketItem item{std::uint64_t{5} << 48 | 1, 100};
    static constexpr storage::BucketNumber bucket = 5;

    KeptReplies broker;
    ArrivingValues arriving;
    Donor donor{context, broker, arriving};

    enum class Judgement { dropped, wanted };
    Judgement judge(bool has_missed_nothing) {
        Question question;
        question.topic = Topic::lists;
        question.hash_check = context.hash_check;
        question.has_missed_nothing = has_missed_nothing;
        lib::ByteBuffer frames;
        write_list(frames, {FrameType::list, 1, bucket, 0}, std::array{item});
        question.frames = frames.readable();
        lib::ByteBuffer out;
        write_question(out, question);
        broker.replies.clear();
        donor.answer(out.readable(), "to", true);
        bool is_dropped = false;
        bool is_wanted = false;
        for (const auto& reply : broker.replies) {
            const auto answer = read_answer(reply);
            REQUIRE(answer);
            REQUIRE(answer->verdict == Verdict::given);
            for (auto left = answer->body; !left.empty();) {
                const auto read = read_frame(left);
                REQUIRE(read.status == FrameStatus::complete);
                left.remove_prefix(read.size);
                if (read.frame.type == FrameType::list)
                    is_dropped |= ListReader(read.frame.payload).size() == 1;
                if (read.frame.type == FrameType::ack)
                    is_wanted |= AckReader(read.frame.payload).size() == 1;
            }
        }
        REQUIRE(is_dropped != is_wanted);
        return is_dropped ? Judgement::dropped : Judgement::wanted;
    }
    // A newer key of the bucket was removed, everybody has read so, and it is remembered no more.
    void forget_a_removal() {
        sink.removals(0).note(item.hash + 1, item.version + 1, {own_stream, 1});
        sink.removals(0).forget([](LogPlace) { return true; });
    }
};

}  // namespace

TEST_CASE("what is unknown to a donor is wanted, unless the donor let go something newer") {
    Room room;
    CHECK(room.judge(false) == Room::Judgement::wanted);
    room.sink.removals(0).raise_ever(Room::bucket, Room::item.version + 1);
    CHECK(room.judge(false) == Room::Judgement::dropped);
    CHECK(room.judge(true) == Room::Judgement::dropped);
}

TEST_CASE("what a donor let go while it held all there was, others lack rightly") {
    Room room;
    room.sink.removals(0).end_comparing(Room::bucket);
    room.forget_a_removal();
    CHECK(room.judge(GENERATE(false, true)) == Room::Judgement::dropped);
}

TEST_CASE("what a donor has only read of costs nobody anything who has missed nothing") {
    Room room;
    room.forget_a_removal();
    CHECK(room.judge(false) == Room::Judgement::dropped);
    CHECK(room.judge(true) == Room::Judgement::wanted);
}
