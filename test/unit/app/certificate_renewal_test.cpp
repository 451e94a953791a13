#include "app/certificate_renewal.hpp"

#include "replication/none.hpp"
#include "test/unit/lib/certificates.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

namespace twincached::app {
namespace {

using lib::test::authority;
using lib::test::loaded;

// A server of clients that speak TLS, with a certificate of this name.
struct Renewed {
    explicit Renewed(const std::string& name) : Renewed(authority().issue(name)) {}
    explicit Renewed(const lib::TlsSettings& settings)
        : clients(loaded(settings), TlsOptions{}, 0, log),
          renewal({replicator, &clients, admin, clock, log}, {settings, {}, {}}) {}

    Log log{LogOptions{0, "/dev/null", false, true}};
    SystemClock clock;
    replication::NoneReplicator replicator{{}};
    ClientTls clients;
    AdminAccess admin{nullptr, {}, log};
    CertificateRenewal renewal;
};

}  // namespace

TEST_CASE("a server without TLS says so when it is asked for its certificates") {
    Log log{LogOptions{0, "/dev/null", false, true}};
    SystemClock clock;
    replication::NoneReplicator replicator{{}};
    AdminAccess admin(nullptr, {}, log);
    CertificateRenewal renewal({replicator, nullptr, admin, clock, log}, {});
    CHECK_FALSE(renewal.refresh().has_tls);
    CHECK(renewal.renew({}).has_value());
}

TEST_CASE("a certificate that cannot be read again leaves the one that is in use") {
    const auto settings = authority().issue("replaced");
    Renewed server(settings);
    CHECK(server.renewal.refresh().problem.empty());
    const auto before = server.clients.refreshed_at();
    CHECK(before > 0);
    std::filesystem::remove(settings.key_file);
    const auto refused = server.renewal.refresh();
    CHECK(refused.has_tls);
    CHECK(refused.problem.find(settings.key_file) != std::string::npos);
    CHECK(server.clients.refreshed_at() == before);
}

TEST_CASE("clients who ask without end for certificates are told so, and nothing is read") {
    const auto settings = authority().issue("often");
    Renewed server(settings);
    unsigned read = 0;
    for (int i = 0; i < 1000; ++i)
        read += server.renewal.refresh().problem.empty() ? 1 : 0;
    CHECK(read >= CertificateRenewal::refreshes_at_once);
    CHECK(read <= CertificateRenewal::refreshes_at_once + 5);
    // An operator's signal is no client's command.
    CHECK(server.renewal.renew({settings, {}, {}}).has_value());
}

TEST_CASE("after other files were put in force, they are the ones that are read again") {
    Renewed server("first");
    const auto second = authority().issue("second");
    CHECK(server.renewal.renew({second, {}, {}}).has_value());
    std::filesystem::remove(second.chain_file);
    CHECK(server.renewal.refresh().problem.find(second.chain_file) != std::string::npos);
}

TEST_CASE("other files that are no certificates are refused, and are not read again") {
    Renewed server("good");
    auto broken = authority().issue("broken");
    broken.chain_file = broken.key_file;
    CHECK(server.renewal.renew({broken, {}, {}}).has_error());
    CHECK(server.clients.refreshed_at() == 0);
    CHECK(server.renewal.refresh().problem.empty());
}

}  // namespace twincached::app
