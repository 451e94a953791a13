// A hostile or confused peer on the link: whatever arrives, in whatever order and however cut, on
// connections that it opened or that we dialled, the engine neither crashes nor says a word to
// whoever has not begun properly. Frames get valid checksums, or nothing would pass the first gate.
#include "replication/changes/change_sink.hpp"
#include "replication/pair/link/engine.hpp"
#include "replication/records/frame.hpp"
#include "replication/records/wire.hpp"
#include "storage/store.hpp"
#include "test/support/forged_frame.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

struct Target {
    ChangeSink sink{1, 1 << 16};
    storage::Store store;
    Engine engine;
    storage::Now now;
    std::vector<Action> actions;
    ConnectionId next = 1;
    ConnectionId current = 0;
    bool dial_wanted = false;

    static storage::StoreOptions store_options() {
        auto options = storage::default_store_options();
        options.memory_limit_bytes = 4 << 20;
        options.shards = 1;
        options.node = 0;
        return options;
    }
    static EngineOptions engine_options(bool secret) {
        EngineOptions options;
        options.self.cluster = "fuzz";
        options.self.secret = secret ? "secret" : "";
        options.self.epoch = 77;
        return options;
    }
    explicit Target(bool secret)
        : store(store_options(), lib::KeyedHash("k"), sink), engine(engine_options(secret), sink) {
        sink.set_wake([] {});
        engine.attach(store);
        engine.start(now);
        turn();
    }

    void turn() {
        actions.clear();
        engine.drain(now, actions);
        for (auto& action : actions) {
            if (action.kind == Action::Kind::dial) dial_wanted = true;
            if (action.kind == Action::Kind::send) {
                engine.on_sent(action.connection, action.bytes.size(), now);
            }
        }
    }
    void connect(bool dialled) {
        current = next++;
        if (dialled && dial_wanted) {
            dial_wanted = false;
            engine.on_connected(current, now);
        } else {
            engine.on_accepted(current, now);
        }
    }
    void frame(FrameType type, std::uint64_t seq, std::string_view payload) {
        engine.on_bytes(current, test::forged_frame(type, seq, payload), now);
    }
    void introduce() {
        lib::ByteBuffer bytes;
        write_frame(bytes, Challenge{.node = 1, .epoch = 99, .cluster = "fuzz"});
        engine.on_bytes(current, bytes.readable(), now);
    }
    void say_hello() {
        Hello hello;
        hello.epoch = 99;
        hello.hash_check = store.key("twincached: do both nodes hash alike?").hash;
        lib::ByteBuffer bytes;
        write_frame(bytes, hello);
        engine.on_bytes(current, bytes.readable(), now);
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    WireReader input({reinterpret_cast<const char*>(data), size});
    Target target((input.u8() & 1U) != 0);
    while (input.remaining() > 0) {
        const auto operation = input.u8();
        switch (operation % 8) {
            case 0:
                target.connect(true);
                break;
            case 1:
                target.connect(false);
                break;
            case 2:
                target.introduce();
                break;
            case 3:
                target.say_hello();
                break;
            case 4:
                target.frame(FrameType::ready, 0, {});
                break;
            case 5: {
                const auto type = static_cast<FrameType>(input.u8());
                const auto seq = input.u8();
                target.frame(type, seq,
                             input.bytes(std::min<std::size_t>(input.u8(), input.remaining())));
                break;
            }
            case 6: {
                const auto count = std::min<std::size_t>(input.u8(), input.remaining());
                target.engine.on_bytes(target.current, input.bytes(count), target.now);
                break;
            }
            case 7:
                target.now.steady_ms += input.u8() * 10U;
                target.engine.on_timer(target.now);
                break;
            default:
                break;
        }
        target.turn();
    }
    return 0;
}
