#include "lib/tls_context.hpp"

#include "test/unit/lib/certificates.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace twincached::lib {
namespace {

using test::authority;

std::string complaint(const TlsSettings& settings) {
    const auto context = TlsContext::load(settings);
    return context.has_error() ? context.error() : "(loads)";
}

}  // namespace

TEST_CASE("a context knows the fingerprint and the end of its certificate") {
    const auto context = test::loaded(authority().issue("known"));
    const auto text = fingerprint_text(context->fingerprint());
    CHECK(text.size() == 95);
    CHECK(*parse_fingerprint(text) == context->fingerprint());
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    CHECK(context->expires_unix_seconds() > now + 86'400);
    CHECK(context->expires_unix_seconds() < now + 3 * 86'400);
}

TEST_CASE("what is wrong with a certificate, a key or a CA file is said with the file's name") {
    const auto good = authority().issue("good");
    const auto other = authority().issue("other");
    const auto junk = authority().path("junk.pem");
    std::ofstream(junk) << "-----BEGIN CERTIFICATE-----\nnothing\n";
    auto settings = good;
    settings.chain_file = "/nowhere/chain.pem";
    CHECK(complaint(settings) ==
          "cannot read the certificate /nowhere/chain.pem: No such file or directory");
    settings.chain_file = "";
    CHECK(complaint(settings) == "TLS needs the certificate");
    settings.chain_file = junk;
    CHECK(complaint(settings).starts_with(junk + " holds no usable certificate (PEM): "));
    settings = good;
    settings.key_file = "/nowhere/key.pem";
    CHECK(complaint(settings) ==
          "cannot read the private key /nowhere/key.pem: No such file or directory");
    settings.key_file = junk;
    CHECK(complaint(settings).starts_with(junk + " holds no usable private key (PEM"));
    settings.key_file = other.key_file;
    CHECK(complaint(settings) == "the private key " + other.key_file +
                                     " does not belong to the certificate " + good.chain_file);
    settings = good;
    settings.key_is_der = true;
    CHECK(complaint(settings).starts_with(good.key_file + " holds no usable private key (DER"));
    settings = good;
    settings.ca_file = junk;
    CHECK(complaint(settings).starts_with(junk + " holds no usable CA certificate (PEM): "));
    settings = good;
    settings.ciphers = "NO-SUCH-CIPHER";
    CHECK(complaint(settings) == "no TLS cipher is known by 'NO-SUCH-CIPHER'");
}

TEST_CASE("a fingerprint is 64 hexadecimal digits, colons between them or not") {
    const std::string digits = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
    REQUIRE(parse_fingerprint(digits).has_value());
    CHECK((*parse_fingerprint(digits))[15] == 0xFF);
    CHECK(*parse_fingerprint(fingerprint_text(*parse_fingerprint(digits))) ==
          *parse_fingerprint(digits));
    for (const auto& bad :
         {digits + "0", digits.substr(1), "x" + digits.substr(1), std::string()}) {
        CHECK(parse_fingerprint(bad).has_error());
    }
}

}  // namespace twincached::lib
