// Feeds arbitrary datagrams to a server: it must survive them, stay within its bounds, and cut its
// answers so that they can be joined again.
#include "protocol/datagram.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace twincached;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static protocol::test::TestService service;
    lib::ByteBuffer answer;
    protocol::DatagramConversation conversation(service, service.counters, 1);
    const std::string_view datagram(reinterpret_cast<const char*>(data), size);
    const auto id = conversation.answer(datagram, protocol::test::some_time(), answer);
    if (!id) return 0;
    if (answer.size() > protocol::answer_bytes_limit) std::abort();
    const protocol::AnswerDatagrams datagrams(*id, answer.readable());
    std::string joined;
    for (std::uint16_t i = 0; i < datagrams.count(); ++i) {
        if (datagrams.payload(i).size() > protocol::datagram_payload_limit) std::abort();
        joined += datagrams.payload(i);
    }
    if (joined != answer.readable()) std::abort();
    return 0;
}
