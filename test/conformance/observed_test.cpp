// Asks a conversation with a real store what a running memcached was asked, and compares word for
// word. The data files say what was observed, and which answers differ on purpose.
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <cctype>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace twincached::protocol::test {

namespace {

struct Exchange {
    std::string request;
    std::string answer;  // still with its placeholders
    bool fresh = false;  // begins with an empty server
};

std::string unescape(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            const char kind = text[++i];
            if (kind == 'r') bytes += '\r';
            if (kind == 'n') bytes += '\n';
            if (kind == 'x') {
                bytes +=
                    static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
                i += 2;
            }
        } else if (text[i] == '{' && i + 3 < text.size() && text[i + 2] == '*') {
            const auto close = text.find('}', i);
            bytes.append(std::stoul(std::string(text.substr(i + 3, close - i - 3))), text[i + 1]);
            i = close;
        } else {
            bytes += text[i];
        }
    }
    return bytes;
}

std::vector<Exchange> read_exchanges(const std::string& name) {
    std::ifstream file(std::string(OBSERVED_FOLDER) + "/" + name);
    REQUIRE(file.good());
    std::vector<Exchange> exchanges;
    bool fresh = false;
    for (std::string line; std::getline(file, line);) {
        if (line == "!fresh") fresh = true;
        if (line.empty() || line[0] == '#' || line[0] == '!') continue;
        const auto arrow = line.find(" => ");
        REQUIRE(arrow != std::string::npos);
        exchanges.push_back({line.substr(0, arrow), line.substr(arrow + 4), fresh});
        fresh = false;
    }
    return exchanges;
}

// {n} stands for a number.
bool matches(std::string_view pattern, std::string_view text) {
    while (!pattern.empty()) {
        if (pattern.starts_with("{n}")) {
            pattern.remove_prefix(3);
            if (text.starts_with('-')) text.remove_prefix(1);
            if (text.empty() || std::isdigit(static_cast<unsigned char>(text.front())) == 0) {
                return false;
            }
            while (!text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0) {
                text.remove_prefix(1);
            }
        } else {
            if (text.empty() || text.front() != pattern.front()) return false;
            pattern.remove_prefix(1);
            text.remove_prefix(1);
        }
    }
    return text.empty();
}

std::string expected_of(std::string answer) {
    if (answer.starts_with("(nothing)")) answer.erase(0, 9);
    if (answer.ends_with("[closed]")) answer.erase(answer.size() - 8);
    while (answer.ends_with(' '))
        answer.pop_back();
    return unescape(answer);
}

// That nothing may stand before a dump in the same packet is the one answer that depends on how
// the input is split, in memcached as here.
bool depends_on_packets(const Exchange& exchange) {
    return exchange.answer.find("cannot pipeline") != std::string::npos;
}

void check_all(const std::string& name, std::size_t piece) {
    std::unique_ptr<TestService> server;
    for (const auto& exchange : read_exchanges(name)) {
        if (exchange.fresh || !server) server = std::make_unique<TestService>();
        Client client(*server);
        auto request = unescape(exchange.request);
        if (!request.ends_with('\n')) request += "\r\n";
        const auto answer = client.say(request, piece);
        if (piece != SIZE_MAX && depends_on_packets(exchange)) continue;
        INFO(exchange.request);
        const auto expected = expected_of(exchange.answer);
        if (!matches(expected, answer)) CHECK(answer == expected);
        CHECK(client.closed == exchange.answer.ends_with("[closed]"));
    }
}

}  // namespace

TEST_CASE("every request that was tried on memcached 1.6.45 gets its answer") {
    check_all("observed.txt", SIZE_MAX);
}

TEST_CASE("every flag of every meta command gets the answer of memcached 1.6.45") {
    check_all("meta_flags.txt", SIZE_MAX);
}

TEST_CASE("the observed answers do not depend on how the input is split") {
    const auto piece = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7});
    check_all("observed.txt", piece);
    check_all("meta_flags.txt", piece);
}

}  // namespace twincached::protocol::test
