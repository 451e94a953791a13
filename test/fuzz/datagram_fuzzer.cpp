// Feeds a server arbitrary datagrams, from whoever they claim to be. Beside surviving them it must
// be no weapon: what is no command is not answered, no answer is longer than its bound, two servers
// that are set upon each other fall silent, and an answer's pieces can be joined again.
#include "protocol/datagram.hpp"
#include "test/fuzz/demand.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using namespace twincached;
using protocol::datagram_header_bytes;

namespace {

// Of a request of several datagrams nothing is done; one line says so, as memcached's.
constexpr std::size_t refusal_bytes_limit = 64;

// One of the two caches that a forger sets upon each other; its items stay from input to input.
class Server {
  public:
    // Nothing, or the text that it answers.
    std::optional<std::string> answer(std::string_view datagram) {
        lib::ByteBuffer answer;
        protocol::DatagramConversation conversation(service_, service_.counters, 1);
        const auto id = conversation.answer(datagram, protocol::test::some_time(), answer);
        if (!id) return std::nullopt;
        return std::string(answer.readable());
    }

  private:
    protocol::test::TestService service_;
};

// What a command begins with: a verb, perhaps behind blanks, or the magic byte of a binary request.
bool may_be_command(std::string_view request) {
    const auto at = request.find_first_not_of(' ');
    if (at == std::string_view::npos) return false;
    const char first = request[at];
    return (first >= 'a' && first <= 'z') || first == '\x80';
}

bool is_whole(const std::optional<protocol::DatagramHeader>& header) {
    return header && header->sequence == 0 && header->count == 1;
}

// Another server has no answer to what one has answered; of a piece of a longer answer it may say
// once that it takes no requests of several datagrams, which is answered by nobody.
void check_end(Server& one, Server& other, const std::string& piece) {
    auto answer = other.answer(piece);
    if (!answer || answer->empty()) return;
    demand(!is_whole(protocol::DatagramHeader::parse(piece)), "no answer is answered");
    demand(answer->size() <= refusal_bytes_limit, "a refusal is short");
    const auto header = protocol::DatagramHeader{}.bytes();
    answer->insert(0, header.data(), header.size());
    const auto again = one.answer(*answer);
    demand(!again || again->empty(), "two servers do not talk for ever");
}

void check_pieces(Server& one, Server& other, std::uint16_t id, const std::string& answer) {
    const protocol::AnswerDatagrams datagrams(id, answer);
    std::string joined;
    for (std::uint16_t i = 0; i < datagrams.count(); ++i) {
        const auto payload = datagrams.payload(i);
        demand(payload.size() <= protocol::datagram_payload_limit, "a piece fits its datagram");
        joined += payload;
        const auto header = datagrams.header(i).bytes();
        std::string sent(header.data(), header.size());
        check_end(one, other, sent.append(payload));
    }
    demand(joined == answer, "the pieces are the answer");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Server server;
    static Server other;
    const std::string_view datagram(reinterpret_cast<const char*>(data), size);
    const auto answer = server.answer(datagram);
    const auto header = protocol::DatagramHeader::parse(datagram);
    if (!answer || answer->empty()) return 0;
    if (is_whole(header)) {
        demand(may_be_command(datagram.substr(datagram_header_bytes)), "no command, no answer");
        demand(answer->size() <= protocol::answer_bytes_limit, "an answer is bounded");
    } else {
        demand(answer->size() <= refusal_bytes_limit, "a refusal is short");
    }
    check_pieces(server, other, header->request_id, *answer);
    return 0;
}
