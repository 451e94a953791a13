// Feeds arbitrary bytes to a conversation with a real store, once as one packet and once cut into
// pieces, and demands equal answers. The first byte of the input decides the pieces.
#include "lib/random.hpp"
#include "test/fuzz/demand.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <cstdint>
#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::protocol;
using namespace twincached::protocol::test;

namespace {

storage::StoreOptions tiny_store() {
    auto options = storage::default_store_options();
    options.memory_limit_bytes = 8 << 20;
    options.item_size_limit_bytes = 128 << 10;
    options.shards = 1;
    return options;
}

struct Talk {
    std::string answers;
    bool closed = false;
};

Talk talk(std::string_view input, lib::Random* pieces) {
    TestService service(tiny_store());
    Client client(service);
    Talk result;
    while (!input.empty() && !client.closed) {
        const std::size_t piece = pieces == nullptr ? input.size() : pieces->below(40) + 1;
        const auto taken = std::min(piece, input.size());
        result.answers += client.say(input.substr(0, taken));
        input.remove_prefix(taken);
    }
    result.closed = client.closed;
    demand(client.output().empty(), "what was written is gone");
    return result;
}

// Reports that count packets, and what must come first in one: dumps and watching.
bool depends_on_packets(std::string_view input) {
    for (const std::string_view word : {"stats", "dump", "watch"}) {
        if (input.find(word) != std::string_view::npos) return true;
    }
    return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    lib::Random pieces(data[0]);
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto whole = talk(input, nullptr);
    const auto cut = talk(input, &pieces);
    if (depends_on_packets(input)) return 0;
    demand(whole.closed == cut.closed, "closing does not depend on the split");
    demand(whole.answers == cut.answers, "answers do not depend on the split");
    return 0;
}
