#include "app/console/console_page.hpp"

#include "app/console/console_files.hpp"
#include "protocol/base64.hpp"

#include <fmt/format.h>

#include <openssl/sha.h>

#include <array>

namespace twincached::app {
namespace {

// As a policy names a text that may be run: "sha256-" and the digest in base64 (CSP3, 2.3).
std::string digest_source(std::string_view text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::array<char, protocol::base64_size(SHA256_DIGEST_LENGTH)> letters{};
    protocol::put_base64(letters.data(),
                         {reinterpret_cast<const char*>(digest.data()), digest.size()});
    return fmt::format("'sha256-{}'", std::string_view(letters.data(), letters.size()));
}

void replace(std::string& text, std::string_view mark, std::string_view with) {
    const auto at = text.find(mark);
    if (at != std::string::npos) text.replace(at, mark.size(), with);
}

}  // namespace

// The script last: what it holds is not looked at for marks.
std::string console_page(std::string_view peer) {
    std::string page(console_html);
    replace(page, "@peer-console@", peer);
    replace(page, "@style@", console_style);
    replace(page, "@script@", console_script);
    return page;
}

std::string console_headers(std::string_view peer) {
    static const auto script = digest_source(console_script);
    static const auto style = digest_source(console_style);
    return fmt::format(
        "Content-Security-Policy: default-src 'none'; script-src {}; style-src {}; img-src data:; "
        "connect-src 'self'{}{}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'\r\n"
        "Referrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\nVary: Accept\r\n",
        script, style, peer.empty() ? "" : " ", peer);
}

}  // namespace twincached::app
