// Two filters against each other: what one puts out the other is fed, in any pieces.
#include "lib/tls_stream.hpp"

#include "lib/random.hpp"
#include "test/unit/lib/certificates.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

namespace twincached::lib {
namespace {

using Side = TlsStream::Side;
using State = TlsStream::State;
using test::authority;
using test::loaded;

constexpr std::size_t everything = SIZE_MAX;

TlsSettings server_settings() {
    static const auto settings = authority().issue("server");
    return settings;
}
TlsSettings client_settings() {
    static const auto settings = authority().issue("client");
    return settings;
}

// What has arrived at one end, as plaintext.
std::string take(TlsStream& stream) {
    std::string all;
    char piece[1000];
    while (const auto count = stream.read(piece))
        all.append(piece, count);
    return all;
}

struct Ends {
    Ends() : Ends(client_settings(), server_settings()) {}
    Ends(const TlsSettings& clients, const TlsSettings& servers)
        : client(loaded(clients), Side::client), server(loaded(servers), Side::server) {}

    // Moves at most `count` bytes; false if there was nothing.
    static bool move(TlsStream& from, TlsStream& to, std::size_t count = everything) {
        const auto bytes = from.outgoing().readable().substr(0, count);
        to.incoming().append(bytes);
        from.outgoing().consume(bytes.size());
        return !bytes.empty();
    }
    void shake_hands(std::size_t piece = everything) {
        client.shake_hands();
        while (move(client, server, piece) || move(server, client, piece)) {
            server.shake_hands();
            client.shake_hands();
        }
    }

    TlsStream client;
    TlsStream server;
};

}  // namespace

TEST_CASE("two ends shake hands and hear what the other says") {
    Ends ends;
    ends.shake_hands();
    REQUIRE(ends.client.state() == State::open);
    REQUIRE(ends.server.state() == State::open);
    CHECK(ends.client.description().starts_with("TLSv1.3 TLS_AES"));
    CHECK(ends.client.write("get k\r\n"));
    Ends::move(ends.client, ends.server);
    CHECK(take(ends.server) == "get k\r\n");
    CHECK(ends.server.write("END\r\n"));
    Ends::move(ends.server, ends.client);
    CHECK(take(ends.client) == "END\r\n");
    CHECK(ends.server.outgoing().empty());
}

TEST_CASE("it does not matter in what pieces ciphertext arrives") {
    for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 64U, 1000U}) {
        Ends ends;
        ends.shake_hands(piece);
        REQUIRE(ends.server.state() == State::open);
        const std::string said(40'000, 'v');
        REQUIRE(ends.client.write(said));
        std::string heard;
        while (Ends::move(ends.client, ends.server, piece))
            heard += take(ends.server);
        CHECK(heard == said);
    }
}

TEST_CASE("a record cut at any byte is heard once it is whole") {
    Ends ends;
    ends.shake_hands();
    for (std::size_t cut = 0;; ++cut) {
        REQUIRE(ends.client.write("set k 0 0 1\r\nv\r\n"));
        if (cut >= ends.client.outgoing().size()) break;
        Ends::move(ends.client, ends.server, cut);
        CHECK(take(ends.server).empty());
        CHECK(ends.server.state() == State::open);
        Ends::move(ends.client, ends.server);
        CHECK(take(ends.server) == "set k 0 0 1\r\nv\r\n");
    }
}

TEST_CASE("a reader with little room gets everything, little by little") {
    Ends ends;
    ends.shake_hands();
    REQUIRE(ends.client.write(std::string(50'000, 'v')));
    Ends::move(ends.client, ends.server);
    std::size_t heard = 0;
    char piece[7];
    while (const auto count = ends.server.read(piece)) {
        heard += count;
        if (heard < 50'000) CHECK(count == sizeof piece);
    }
    CHECK(heard == 50'000);
    CHECK(ends.server.incoming().empty());
}

TEST_CASE("a farewell ends a stream, a mere end of the connection is a failure") {
    Ends polite;
    polite.shake_hands();
    REQUIRE(polite.client.write("quit\r\n"));
    polite.client.say_goodbye();
    Ends::move(polite.client, polite.server);
    CHECK(take(polite.server) == "quit\r\n");
    CHECK(polite.server.state() == State::ended);
    CHECK(polite.server.write("a last word"));
    Ends::move(polite.server, polite.client);

    Ends cut;
    cut.shake_hands();
    REQUIRE(cut.client.write("set k 0 0 3\r\nabc\r\n"));
    Ends::move(cut.client, cut.server, cut.client.outgoing().size() - 1);
    cut.server.end_incoming();
    CHECK(take(cut.server).empty());
    CHECK(cut.server.state() == State::failed);
    CHECK(cut.server.why() == "the connection ended without a farewell");
}

TEST_CASE("an end of the connection in the handshake is a failure at every byte of it") {
    for (std::size_t cut = 0;; ++cut) {
        Ends ends;
        ends.client.shake_hands();
        if (cut >= ends.client.outgoing().size()) break;
        Ends::move(ends.client, ends.server, cut);
        CHECK(ends.server.shake_hands() == State::handshake);
        ends.server.end_incoming();
        CHECK(ends.server.shake_hands() == State::failed);
    }
}

TEST_CASE("whoever speaks no TLS is told nothing") {
    const std::string no_op = "\x80\x0a" + std::string(22, '\0');  // of the binary protocol
    for (const std::string_view said :
         {std::string_view("get k\r\n"), std::string_view("GET / HTTP/1.1\r\n\r\n"),
          std::string_view(no_op)}) {
        Ends ends;
        ends.server.incoming().append(said);
        CHECK(ends.server.shake_hands() == State::failed);
        CHECK(ends.server.why() == "what came in is not TLS");
        CHECK(ends.server.outgoing().empty());
    }
}

TEST_CASE("a byte changed on the way is noticed") {
    Ends ends;
    ends.shake_hands();
    REQUIRE(ends.client.write("set k 0 0 1\r\nv\r\n"));
    std::string bytes(ends.client.outgoing().readable());
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    ends.server.incoming().append(bytes);
    CHECK(take(ends.server).empty());
    CHECK(ends.server.state() == State::failed);
    CHECK_FALSE(ends.server.why().empty());
}

TEST_CASE("hostile bytes end in a failure, never in plaintext") {
    const char* given = std::getenv("TWINCACHED_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20261122;
    CAPTURE(seed);
    Random random(seed);
    for (int round = 0; round < 300; ++round) {
        Ends ends;
        if (round % 2 == 0) {
            ends.shake_hands();
        } else {
            ends.client.shake_hands();
            Ends::move(ends.client, ends.server, random.below(600));
        }
        ends.server.incoming().append(random.below(2) == 0 ? "\x16\x03\x01" : "\x17\x03\x03");
        for (int i = 0; i < 700; ++i)
            ends.server.incoming().append(static_cast<char>(random.below(256)));
        CHECK(take(ends.server).empty());
        ends.server.end_incoming();
        CHECK(take(ends.server).empty());
        CHECK(ends.server.state() == State::failed);
    }
}

TEST_CASE("a server that requires a certificate refuses a client without, or with a strange one") {
    auto servers = server_settings();
    servers.ca_file = authority().ca();
    servers.peer = PeerCertificate::required;
    Ends trusted(client_settings(), servers);
    trusted.shake_hands();
    CHECK(trusted.server.state() == State::open);

    const test::Authority other;
    Ends strange(other.issue("client"), servers);
    strange.shake_hands();
    CHECK(strange.server.state() == State::failed);
    CHECK(strange.server.why() ==
          "the certificate is refused: unable to get local issuer certificate");
    CHECK(strange.client.read({}) == 0);
    char byte;
    CHECK(strange.client.read({&byte, 1}) == 0);
    CHECK(strange.client.why() == "the other end refuses: unknown ca");

    Ends late(authority().issue("late", -1), servers);
    late.shake_hands();
    CHECK(late.server.why() == "the certificate is refused: certificate has expired");
}

TEST_CASE("a listener may ask for certificates where its context does not, and the reverse") {
    auto servers = server_settings();
    servers.ca_file = authority().ca();
    const test::Authority other;
    Ends asked(other.issue("client"), servers);
    asked.server.ask_for_certificate(PeerCertificate::required);
    asked.shake_hands();
    CHECK(asked.server.state() == State::failed);
    servers.peer = PeerCertificate::required;
    Ends spared(other.issue("client"), servers);
    spared.server.ask_for_certificate(PeerCertificate::ignored);
    spared.shake_hands();
    CHECK(spared.server.state() == State::open);
}

TEST_CASE("a pinned name is demanded by either end") {
    auto clients = client_settings();
    auto servers = server_settings();
    clients.ca_file = servers.ca_file = authority().ca();
    clients.peer = servers.peer = PeerCertificate::required;
    clients.peer_name = "server";
    servers.peer_name = "client";
    Ends right(clients, servers);
    right.shake_hands();
    CHECK(right.client.state() == State::open);
    CHECK(right.server.state() == State::open);
    auto wrong = clients;
    wrong.peer_name = "somebody";
    Ends client_refuses(wrong, servers);
    client_refuses.shake_hands();
    CHECK(client_refuses.client.why() == "the certificate is refused: hostname mismatch");
    wrong = servers;
    wrong.peer_name = "somebody";
    Ends server_refuses(clients, wrong);
    server_refuses.shake_hands();
    CHECK(server_refuses.server.why() == "the certificate is refused: hostname mismatch");
}

TEST_CASE("a pinned fingerprint is demanded, and needs no CA, but does not outlive its time") {
    auto clients = client_settings();
    auto servers = server_settings();
    clients.peer = servers.peer = PeerCertificate::required;
    clients.peer_fingerprints = {loaded(servers)->fingerprint()};
    servers.peer_fingerprints = {loaded(authority().issue("unused"))->fingerprint(),
                                 loaded(clients)->fingerprint()};
    Ends right(clients, servers);
    right.shake_hands();
    CHECK(right.client.state() == State::open);
    CHECK(right.server.state() == State::open);
    auto wrong = servers;
    wrong.peer_fingerprints.pop_back();
    Ends refused(clients, wrong);
    refused.shake_hands();
    CHECK(refused.server.why() == "the certificate is refused: it is not a pinned one");
    // With a CA both are demanded.
    wrong.ca_file = authority().ca();
    Ends refused_with_ca(clients, wrong);
    refused_with_ca.shake_hands();
    CHECK(refused_with_ca.server.why() == "the certificate is refused: it is not a pinned one");

    auto late = authority().issue("too-late", -1);
    late.peer = PeerCertificate::required;
    late.peer_fingerprints = clients.peer_fingerprints;
    servers.peer_fingerprints = {loaded(late)->fingerprint()};
    Ends expired(late, servers);
    expired.shake_hands();
    CHECK(expired.server.why() == "the certificate is refused: certificate has expired");
}

TEST_CASE("an end that accepts TLS 1.3 alone turns older ones away") {
    auto servers = server_settings();
    servers.least_version = TlsVersion::tls_1_3;
    Ends modern(client_settings(), servers);
    modern.shake_hands();
    CHECK(modern.server.state() == State::open);
    // A ClientHello of TLS 1.2, as the openssl tool sends one, without extensions.
    Ends old(client_settings(), servers);
    std::string hello("\x16\x03\x01\0\x2d\x01\0\0\x29\x03\x03", 11);
    hello += std::string(32, 'r') + std::string("\0\0\x02\xc0\x2b\x01\0", 7);
    old.server.incoming().append(hello);
    CHECK(old.server.shake_hands() == State::failed);
    CHECK(old.server.why() == "unsupported protocol");
}

}  // namespace twincached::lib
