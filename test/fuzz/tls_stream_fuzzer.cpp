// Two ends of TLS and a network between them that belongs to the input: it cuts, delays, changes,
// repeats, drops and makes up bytes, from the first of the handshake on. Beyond "it neither crashes
// nor leaks" these hold:
//
//     truth     what one end hears is the beginning of what the other said, and all of it at rest
//     if
//               the network was honest
//     identity  who has to show a certificate and has none is never heard
//     endings   an open stream ends by a farewell that was said; a failure has a reason
//     progress  a read that returns less than it had room for has used all that had come
//     bounds    what is put out is what was said, 2 %, and what a handshake takes
#include "lib/tls_stream.hpp"
#include "test/fuzz/demand.hpp"
#include "test/unit/lib/certificates.hpp"

#define OPENSSL_SUPPRESS_DEPRECATED  // an input is to do the same at each run
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace twincached::lib;

namespace {

using Side = TlsStream::Side;
using State = TlsStream::State;

constexpr std::size_t record_header_bytes = 5;
constexpr std::size_t handshake_bytes = 16 * 1024;
constexpr std::size_t bytes_per_write = 64;  // a record's header, its tag, alerts

std::uint64_t random_state;

int next_random(unsigned char* into, int count) {
    for (int i = 0; i < count; i++) {
        random_state = random_state * 6364136223846793005U + 1442695040888963407U;
        into[i] = static_cast<unsigned char>(random_state >> 56U);
    }
    return 1;
}

void make_random_repeatable() {
    static const RAND_METHOD method{nullptr, next_random, nullptr, nullptr, next_random, nullptr};
    RAND_set_rand_method(&method);
}

// The kinds of ends that meet, made once.
struct Contexts {
    using Context = std::shared_ptr<const TlsContext>;

    static Context client_of(TlsSettings settings, int version) {
        settings.ca_file = test::authority().ca();
        settings.peer = PeerCertificate::required;
        settings.peer_name = "server";
        auto context = test::loaded(settings);
        SSL_CTX_set_max_proto_version(context->native(), version);
        return context;
    }
    static Context server_of(TlsSettings settings, PeerCertificate peer) {
        settings.ca_file = test::authority().ca();
        settings.peer = peer;
        settings.resumption = peer == PeerCertificate::ignored;
        return test::loaded(settings);
    }

    Contexts() {
        const auto own = test::authority().issue("client");
        const auto servers = test::authority().issue("server");
        make_random_repeatable();
        for (const auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            anonymous.push_back(client_of({}, version));
            known.push_back(client_of(own, version));
        }
        open = server_of(servers, PeerCertificate::ignored);
        strict = server_of(servers, PeerCertificate::required);
    }

    std::vector<Context> anonymous;  // TLS 1.2 at most, 1.3 at most
    std::vector<Context> known;
    Context open;
    Context strict;
};

class Script {
  public:
    explicit Script(std::string_view bytes) : bytes_(bytes) {}

    bool is_over() const { return bytes_.empty(); }
    std::uint8_t byte() { return bytes_.empty() ? 0 : static_cast<std::uint8_t>(take(1)[0]); }
    // Small numbers are as likely as large ones.
    std::size_t size() {
        const std::size_t number = byte();
        return number < 128 ? number : (number - 127) * 300;
    }
    std::string_view take(std::size_t count) {
        const auto taken = bytes_.substr(0, count);
        bytes_.remove_prefix(taken.size());
        return taken;
    }

  private:
    std::string_view bytes_;
};

// One end, and what is on its way to the other.
class End {
  public:
    End(const Contexts::Context& context, Side side) : stream_(context, side) {
        if (side == Side::client) stream_.shake_hands();
        collect();
    }

    void say(std::size_t size) {
        if (says_goodbye_) return;
        std::string text(size, 'a');
        for (std::size_t i = 0; i < size; i++)
            text[i] = static_cast<char>('a' + (said_.size() + i) % 26);
        if (stream_.write(text)) {
            said_ += text;
            writes_++;
        }
        collect();
    }
    void say_goodbye() {
        says_goodbye_ =
            says_goodbye_ || stream_.state() == State::open || stream_.state() == State::ended;
        stream_.say_goodbye();
        collect();
    }
    void hear(std::string_view bytes, std::size_t room) {
        was_open_ = was_open_ || stream_.state() == State::open;
        stream_.incoming().append(bytes);
        listen(room);
    }
    void end_of_network(std::size_t room) {
        stream_.end_incoming();
        listen(room);
    }

    std::string& network() { return network_; }
    void tamper() { is_network_honest_ = false; }

    void check(const End& other) const {
        const auto about = stream_.why();
        demand(other.said_.starts_with(heard_), "what is heard was said", heard_);
        demand(stream_.state() != State::failed || !about.empty(), "a failure has a reason");
        if (was_open_ && stream_.state() == State::ended) {
            demand(other.says_goodbye_, "a farewell was said");
            demand(heard_ == other.said_, "a farewell comes last");
        }
        demand(put_out_ <= handshake_bytes + said_.size() * 51 / 50 + writes_ * bytes_per_write,
               "what is put out is bounded");
    }
    void check_at_rest(const End& other) const {
        if (!is_network_honest_ || !other.is_network_honest_) return;
        demand(stream_.state() == State::open || stream_.state() == State::ended,
               "an honest network breaks nothing", stream_.why());
        demand(heard_ == other.said_, "all that was said is heard");
    }
    bool is_open() const { return stream_.state() == State::open; }
    bool has_heard() const { return !heard_.empty(); }

  private:
    void collect() {
        put_out_ += stream_.outgoing().size();
        network_ += stream_.outgoing().readable();
        stream_.outgoing().consume(stream_.outgoing().size());
    }
    void listen(std::size_t room) {
        std::string into(std::max<std::size_t>(room, 1), '\0');
        std::size_t count = 0;
        do {
            count = stream_.read(into);
            heard_.append(into, 0, count);
            was_open_ = was_open_ || count > 0;
        } while (count == into.size());
        demand(stream_.incoming().empty() || stream_.state() >= State::ended,
               "all that came is used");
        collect();
    }

    TlsStream stream_;
    std::string network_;
    std::string said_;
    std::string heard_;
    std::size_t writes_ = 0;
    std::size_t put_out_ = 0;
    bool is_network_honest_ = true;
    bool says_goodbye_ = false;
    bool was_open_ = false;
};

void deliver(End& from, End& to, std::size_t count, std::size_t room) {
    const auto bytes = from.network().substr(0, count);
    from.network().erase(0, bytes.size());
    to.hear(bytes, room);
}

std::string first_record(std::string_view bytes) {
    if (bytes.size() < record_header_bytes) return {};
    const std::size_t high = static_cast<std::uint8_t>(bytes[3]);
    const std::size_t low = static_cast<std::uint8_t>(bytes[4]);
    return std::string(bytes.substr(0, record_header_bytes + high * 256 + low));
}

// What the network does to what `from` has put out. False if it was left as it was.
bool meddle(std::string& network, Script& script) {
    const auto before = network;
    const auto kind = script.byte() % 5;
    const std::size_t at = network.empty() ? 0 : script.size() % network.size();
    switch (kind) {
        case 0:
            if (!network.empty()) network[at] = static_cast<char>(network[at] ^ script.byte());
            break;
        case 1:
            network.insert(at, script.take(script.byte() % 64));
            break;
        case 2:
            network.erase(at, script.size());
            break;
        case 3:  // once more
            network = first_record(network) + network;
            break;
        case 4: {  // later than what followed it
            const auto first = first_record(network);
            const auto second = first_record(std::string_view(network).substr(first.size()));
            network.erase(0, first.size() + second.size());
            network = second + first + network;
            break;
        }
    }
    return network != before;
}

void play(End& client, End& server, Script script) {
    while (!script.is_over()) {
        const auto action = script.byte();
        auto& from = action % 2 == 0 ? client : server;
        auto& to = action % 2 == 0 ? server : client;
        const auto room = 1 + (action >> 4U) * 700U;
        switch (action / 2 % 8) {
            case 0:
            case 1:
                deliver(from, to, script.size(), room);
                break;
            case 2:
                deliver(from, to, from.network().size(), room);
                break;
            case 3:
            case 4:
                from.say(script.size());
                break;
            case 5:
                if (meddle(from.network(), script)) from.tamper();
                break;
            case 6:
                from.say_goodbye();
                break;
            case 7:
                from.tamper();
                to.end_of_network(room);
                break;
        }
        client.check(server);
        server.check(client);
    }
    while (!client.network().empty() || !server.network().empty()) {
        deliver(client, server, client.network().size(), 1000);
        deliver(server, client, server.network().size(), 1000);
    }
}

}  // namespace

// The first byte says who meets whom.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Contexts contexts;
    if (size == 0) return 0;
    random_state = size;
    const bool is_known = (data[0] & 1U) != 0;
    const bool is_strict = (data[0] & 2U) != 0;
    const std::size_t version = (data[0] & 4U) != 0 ? 0 : 1;
    End client((is_known ? contexts.known : contexts.anonymous)[version], Side::client);
    End server(is_strict ? contexts.strict : contexts.open, Side::server);
    play(client, server, Script({reinterpret_cast<const char*>(data) + 1, size - 1}));
    client.check(server);
    server.check(client);
    if (is_strict && !is_known) {
        demand(!server.is_open() && !server.has_heard(), "no stranger is heard");
    } else {
        client.check_at_rest(server);
        server.check_at_rest(client);
    }
    return 0;
}
