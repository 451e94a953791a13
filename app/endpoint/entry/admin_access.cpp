#include "app/endpoint/entry/admin_access.hpp"

#include "app/listeners/listening_socket.hpp"
#include "lib/allocation.hpp"
#include "lib/input/text_file.hpp"

#include <fmt/format.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cctype>

namespace twincached::app {
namespace {

using Digest = TokenDigests::value_type;

Digest digest_of(std::string_view token) noexcept {
    Digest digest{};
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
    return digest;
}

// As a header can carry it (RFC 6750, section 2.1).
bool is_of_token(char byte) noexcept {
    constexpr std::string_view others = "-._~+/=";
    return std::isalnum(static_cast<unsigned char>(byte)) != 0 ||
           others.find(byte) != std::string_view::npos;
}

// Of a line of the file; empty: it is well. What stands in it is not told.
std::string_view mistake_in(std::string_view token) noexcept {
    if (!std::all_of(token.begin(), token.end(), is_of_token))
        return "a token has letters, digits and -._~+/= alone";
    if (token.size() < token_size_least) return "a token has at least 16 characters";
    return {};
}

// "Bearer" in any case (RFC 9110, section 11.1), then the token.
std::string_view token_in(std::string_view authorization) noexcept {
    constexpr std::string_view scheme = "bearer ";
    const auto is_same = [](char one, char other) {
        return std::tolower(static_cast<unsigned char>(one)) == other;
    };
    if (authorization.size() < scheme.size() ||
        !std::equal(scheme.begin(), scheme.end(), authorization.begin(),
                    [&](char wanted, char given) { return is_same(given, wanted); })) {
        return {};
    }
    authorization.remove_prefix(scheme.size());
    const auto begin = authorization.find_first_not_of(' ');
    return begin == std::string_view::npos ? std::string_view() : authorization.substr(begin);
}

lib::Parsed<TokenDigests> refused(std::string sentence) {
    return lib::Parsed<TokenDigests>(boost::system::in_place_error, std::move(sentence));
}

}  // namespace

lib::Parsed<TokenDigests> read_tokens(const std::string& path) {
    TokenDigests tokens;
    if (path.empty()) return tokens;
    const auto content = lib::read_text_file(path);
    if (content.has_error())
        return refused(
            fmt::format("token-file: cannot read a token from {}: {}", path, content.error()));
    std::string_view rest = *content;
    for (unsigned number = 1; !rest.empty(); ++number) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) continue;
        const auto mistake = mistake_in(line);
        if (!mistake.empty())
            return refused(fmt::format("token-file: {}:{}: {}", path, number, mistake));
        if (tokens.size() == tokens_most)
            return refused(
                fmt::format("token-file: {} has more than {} tokens", path, tokens_most));
        tokens.push_back(digest_of(line));
    }
    if (tokens.empty()) return refused(fmt::format("token-file: there is no token in {}", path));
    return tokens;
}

std::optional<lib::TlsSettings> admin_tls_settings(const EndpointOptions& options) {
    if (!speaks_tls(options)) return std::nullopt;
    lib::TlsSettings settings;
    settings.chain_file = options.certificate;
    settings.key_file = options.key;
    return settings;
}

std::unique_ptr<lib::TlsStream> AdminAccess::accept() const {
    std::shared_ptr<const lib::TlsContext> context;
    {
        const lib::MutexLock lock(mutex_);
        context = context_;
    }
    return std::make_unique<lib::TlsStream>(std::move(context), lib::TlsStream::Side::server);
}

// All tokens are compared, whichever it is: digests of one length, each in the same time.
Trust AdminAccess::trust_in(std::string_view authorization) const noexcept {
    const auto shown = digest_of(token_in(authorization));
    bool is_known = false;
    {
        const lib::MutexLock lock(mutex_);
        if (tokens_.empty()) return Trust::untold;
        for (const auto& token : tokens_) {
            const bool is_it = CRYPTO_memcmp(token.data(), shown.data(), token.size()) == 0;
            is_known = is_known || is_it;
        }
    }
    if (is_known) return Trust::owner;
    return authorization.empty() ? Trust::unproved : Trust::refused;
}

void AdminAccess::note_refused(int descriptor, storage::Tick now) const noexcept {
    const auto left_out = refusals_.due(now);
    if (!left_out) return;
    (void)lib::has_memory_for([&] {
        log_.warning(
            "{} showed the admin endpoint a token that is not this node's ({} more since the last "
            "such line)",
            remote_end(descriptor), *left_out);
    });
}

void AdminAccess::use(std::shared_ptr<const lib::TlsContext> context) noexcept {
    const lib::MutexLock lock(mutex_);
    context_.swap(context);
}

lib::Parsed<void> AdminAccess::renew(const EndpointOptions& options) {
    auto fresh = read_tokens(options.token_file);
    if (fresh.has_error()) {
        log_.error("the tokens in use stay: {}", fresh.error());
        return lib::Parsed<void>(boost::system::in_place_error, fresh.error());
    }
    const auto count = fresh->size();
    {
        const lib::MutexLock lock(mutex_);
        if (*fresh == tokens_) return {};
        tokens_.swap(*fresh);
    }
    log_.info("the tokens of the admin endpoint were changed: {} known from now on", count);
    return {};
}

}  // namespace twincached::app
