// Feeds arbitrary bytes to the parser of PROXY headers and demands what a reader relies on: what
// is complete stays so whatever follows, and no beginning of it was taken for broken or whole.
#include "app/listeners/proxy_header.hpp"
#include "test/fuzz/demand.hpp"

#include <cstdint>
#include <string_view>

using namespace twincached::app;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using State = ProxyHeader::State;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto parsed = parse_proxy_header(bytes);
    if (parsed.state == State::incomplete) demand(size < proxy_header_limit, "it is bounded");
    if (parsed.state != State::complete) return 0;
    demand(parsed.size <= size && parsed.size <= proxy_header_limit, "it lies in the input");
    const auto alone = parse_proxy_header(bytes.substr(0, parsed.size));
    demand(alone.state == State::complete && alone.client == parsed.client, "its rest is not read");
    for (std::size_t part = 0; part < parsed.size; ++part) {
        const auto state = parse_proxy_header(bytes.substr(0, part)).state;
        demand(state == State::incomplete, "a beginning is a beginning");
    }
    if (parsed.client) demand(!parsed.client->text().empty(), "an address can be shown");
    return 0;
}
