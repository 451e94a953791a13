// What a node of a cluster may hear from its broker: messages of others, answers, questions, hints,
// of whoever may publish there. Whatever comes, it neither crashes nor leaks, takes no version that
// is further ahead than a clock may be, and goes on: afterwards a message that makes sense is
// applied.
//
//     first byte of a piece   what it is; the next two its length; then its bytes
//     magic numbers of heads and checksums are mended, or nothing would get past them
#include "lib/crc32c.hpp"
#include "lib/endian.hpp"
#include "lib/hash.hpp"
#include "replication/nats/engine/cluster_engine.hpp"
#include "replication/nats/log/message_header.hpp"
#include "replication/records/data_frames.hpp"
#include "storage/store.hpp"
#include "test/fuzz/demand.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::replication::nats;

namespace {

constexpr std::uint64_t version_now_ms = 40'000'000'000;

class DeafBroker final : public Broker {
  public:
    void look(StreamId) override {}
    void publish(Token token, std::string_view) override { published = token; }
    void consume(StreamId, Sequence) override {}
    void stop_consuming(StreamId) override {}
    void serve(std::string_view, bool) override {}
    void ask(Token token, std::string_view, std::string_view) override { asked = token; }
    void reply(std::string_view, std::string_view) override {}
    void tell(std::string_view, std::string_view) override {}
    void yield_number(std::string_view) override {}

    Token published = 0;
    Token asked = 0;
};

class Owner final : public ClusterOwner {
  public:
    void log(replication::LogLevel, std::string_view) override {}
    void ready() override {}
    void drained() override {}
};

// The frames of a piece, with lengths that fit and checksums that are right.
std::string mended(std::string_view bytes) {
    std::string out;
    while (bytes.size() > 3) {
        const auto length = std::min<std::size_t>(
            static_cast<std::uint8_t>(bytes[1]) + 256U * (static_cast<std::uint8_t>(bytes[2]) & 3U),
            bytes.size() - 3);
        lib::ByteBuffer frame;
        const auto type = static_cast<replication::FrameType>(bytes[0]);
        const auto limit = replication::payload_limit_of(type);
        {
            replication::FrameWriter writer(frame, type, 1);
            frame.append(bytes.substr(3, std::min(length, limit)));
            writer.finish();
        }
        out += frame.readable();
        bytes.remove_prefix(3 + length);
    }
    return out;
}

class Node {
  public:
    Node() : sink_(2, 1U << 16), engine_(options(), sink_, broker_, owner_) {
        auto store = storage::default_store_options();
        store.memory_limit_bytes = 16U << 20;
        store.shards = 2;
        store.threads = 1;
        store.node = 0;
        store_ = std::make_unique<storage::Store>(store, lib::KeyedHash("secret"), sink_);
        engine_.attach(*store_);
        pass(0);
        engine_.start();
        engine_.connected(1U << 20);
        engine_.stream_is(own_stream, {1, 1, 0});
        check_ = store_->key("twincached: do both nodes hash alike?").hash;
    }

    void pass(std::uint64_t ms) {
        now_.steady_ms += ms;
        now_.version_ms = version_now_ms + now_.steady_ms;
        now_.unix_seconds = 1'735'689'600 + static_cast<std::int64_t>(now_.version_ms / 1000);
        engine_.at(now_);
    }
    // Nobody is there: after a while it begins alone.
    void begin_alone() {
        for (int i = 0; i < 40; ++i) {
            pass(200);
            if (broker_.asked != 0) engine_.not_answered(broker_.asked, "");
            engine_.on_timer();
            if (broker_.published != 0) engine_.published(broker_.published, ++sequence_);
        }
    }
    void deliver(const MessageHeader& head, std::string_view frames) {
        auto header = head;
        header.hash_check = check_;
        lib::ByteBuffer out;
        write_header(out, header);
        out.append(frames);
        engine_.delivered({own_stream, ++sequence_, 1'900'000'000'000, 0, out.readable()});
    }
    void hear(std::uint8_t kind, std::string_view bytes) {
        pass(kind);
        MessageHeader header;
        header.node = static_cast<std::uint8_t>(kind >> 3 & 3);
        header.session = 1 + (kind >> 5);
        header.number = ++number_;
        header.is_in_step = (kind & 1) != 0;
        header.claims = bytes.size() % 7 == 0;
        switch (kind & 7) {
            case 0:
            case 1:
                return deliver(header, mended(bytes));
            case 2:
                return engine_.delivered({own_stream, ++sequence_, 1'900'000'000'000, 0, bytes});
            case 3:
                return engine_.answered(broker_.asked, bytes, "");
            case 4:
                return engine_.asked("donor", bytes, "to");
            case 5:
                return engine_.told("hint", mended(bytes));
            case 6:
                return engine_.answered(
                    broker_.asked,
                    "\xCB" + std::string(bytes.substr(0, 7)) +
                        mended(bytes.substr(std::min<std::size_t>(7, bytes.size()))),
                    "");
            default:
                return engine_.on_timer();
        }
    }
    void check() {
        const auto last = storage::last_time(version_now_ms + now_.steady_ms, 25ULL * 3600 * 1000);
        demand(store_->version_time() <= last, "no version leads the clock further than it may");
    }

  private:
    static ClusterOptions options() {
        ClusterOptions options;
        options.incarnation = 1;
        return options;
    }

    storage::Now now_;
    DeafBroker broker_;
    Owner owner_;
    ClusterSink sink_;
    std::unique_ptr<storage::Store> store_;
    ClusterEngine engine_;
    std::uint64_t check_ = 0;
    Sequence sequence_ = 0;
    std::uint64_t number_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    Node node;
    if (size % 2 == 0) node.begin_alone();
    while (input.size() > 3) {
        const auto kind = static_cast<std::uint8_t>(input[0]);
        const auto length = std::min<std::size_t>(
            static_cast<std::uint8_t>(input[1]) + 256U * static_cast<std::uint8_t>(input[2]),
            input.size() - 3);
        node.hear(kind, input.substr(3, length));
        node.check();
        input.remove_prefix(3 + length);
    }
    return 0;
}
