#include "test/tidy/source_tree.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::tidy {
namespace {

constexpr std::size_t file_lines_limit = 500;
constexpr std::size_t function_lines_limit = 70;
constexpr std::size_t line_columns_limit = 100;

bool is_of_a_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool has_word(std::string_view line, std::string_view word) {
    for (auto at = line.find(word); at != line.npos; at = line.find(word, at + 1)) {
        const auto end = at + word.size();
        if ((at == 0 || !is_of_a_word(line[at - 1])) &&
            (end == line.size() || !is_of_a_word(line[end])))
            return true;
    }
    return false;
}

const std::vector<std::string> product{"lib", "storage", "protocol", "replication", "app"};
const std::vector<std::string> everything{"lib",         "storage", "protocol",
                                          "replication", "app",     "test"};

// Layer -> layers that it may include.
const std::map<std::string_view, std::set<std::string_view>> arrows{
    {"lib", {"lib"}},
    {"storage", {"lib", "storage"}},
    {"protocol", {"lib", "storage", "protocol"}},
    {"replication", {"lib", "storage", "replication"}},
    {"app", {"lib", "storage", "protocol", "replication", "app"}},
};

// What reaches out of the process: only app and the replication drivers may.
const std::vector<std::string_view> outside{"boost/asio",         "spdlog/",      "thread",
                                            "condition_variable", "sys/socket.h", "netdb.h",
                                            "iostream",           "unistd.h"};
const std::vector<std::string_view> clock_reads{"_clock::now(", "clock_gettime(", "sleep_for(",
                                                "std::time("};

bool may_reach_outside(std::string_view path) {
    return layer_of(path) == "app" || path.starts_with("replication/pair/driver/") ||
           path.starts_with("replication/nats/driver/");
}

std::size_t columns_of(std::string_view line) {
    // Continuation bytes of UTF-8 take no column.
    return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

using Findings = std::vector<std::string>;

std::string place(const SourceFile& file, std::size_t line) {
    return file.path + ":" + std::to_string(line + 1) + ": ";
}

// Functions as clang-format lays them out: a line at some indentation that ends with ") ... {" up
// to the closing brace at the same indentation.
Findings long_functions(const SourceFile& file) {
    Findings findings;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
        const auto& line = file.lines[i];
        const auto indent = line.find_first_not_of(' ');
        if (indent == std::string::npos || indent > 4 || !line.ends_with("{")) continue;
        if (line.find(')') == std::string::npos || line.find("namespace") == indent) continue;
        // A constructor's initializers stand deeper than its closing brace.
        const auto depth = line[indent] == ':' ? indent - std::min<std::size_t>(indent, 4) : indent;
        const auto closing = std::string(depth, ' ') + "}";
        std::size_t end = i + 1;
        while (end < file.lines.size() && !file.lines[end].starts_with(closing))
            ++end;
        if (end - i - 1 > function_lines_limit) {
            findings.push_back(place(file, i) + std::to_string(end - i - 1) + " lines");
        }
    }
    return findings;
}

}  // namespace

TEST_CASE("every include runs in the direction of the arrows") {
    Findings findings;
    for (const auto& file : sources_below(product)) {
        const auto& allowed = arrows.at(layer_of(file.path));
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            const auto target = layer_of(included_by(file.lines[i]));
            if (!target.empty() && !allowed.contains(target)) {
                findings.push_back(place(file, i) + file.lines[i]);
            }
        }
    }
    CHECK(findings == Findings{});
}

TEST_CASE("the check of arrows sees an arrow that runs the wrong way") {
    CHECK(layer_of(included_by("#include \"protocol/execution/output.hpp\"")) == "protocol");
    CHECK_FALSE(arrows.at("replication").contains("protocol"));
    CHECK_FALSE(arrows.at("protocol").contains("replication"));
    CHECK_FALSE(arrows.at("lib").contains("storage"));
}

TEST_CASE("includes of our own are rooted at the repository") {
    Findings findings;
    for (const auto& file : sources_below(everything)) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            const auto& line = file.lines[i];
            const auto target = included_by(line);
            const bool is_ours = line.starts_with("#include \"");
            if (is_ours && target.find('/') == std::string_view::npos) {
                findings.push_back(place(file, i) + line);
            }
        }
    }
    CHECK(findings == Findings{});
}

TEST_CASE("only app and the replication drivers reach out of the process or read clocks") {
    Findings findings;
    for (const auto& file : sources_below(product)) {
        if (may_reach_outside(file.path)) continue;
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            const auto& line = file.lines[i];
            const auto target = included_by(line);
            const bool reaches = std::any_of(outside.begin(), outside.end(), [&](auto header) {
                return header.ends_with('/') || header.find('/') != std::string_view::npos
                           ? target.starts_with(header)
                           : target == header;
            });
            const bool reads = std::any_of(clock_reads.begin(), clock_reads.end(), [&](auto call) {
                return line.find(call) != std::string::npos;
            });
            if (reaches || reads) findings.push_back(place(file, i) + line);
        }
    }
    CHECK(findings == Findings{});
}

// The thread sanitizer's build runs these two programs and no other unit test.
TEST_CASE("tests that start threads are in test/threads, or are the drivers'") {
    const std::set<std::string_view> starts{"thread", "future"};
    Findings findings;
    for (const auto& file : sources_below({"test/unit", "test/conformance", "test/simulation"})) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            if (starts.contains(included_by(file.lines[i])))
                findings.push_back(place(file, i) + file.lines[i]);
        }
    }
    CHECK(findings == Findings{});
}

TEST_CASE("no file of the product has more than 500 lines") {
    Findings findings;
    for (const auto& file : sources_below(product)) {
        if (file.lines.size() > file_lines_limit) {
            findings.push_back(file.path + ": " + std::to_string(file.lines.size()));
        }
    }
    CHECK(findings == Findings{});
}

TEST_CASE("no line has more than 100 columns") {
    Findings findings;
    for (const auto& file : sources_below(everything)) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            if (columns_of(file.lines[i]) > line_columns_limit) {
                findings.push_back(place(file, i) + std::to_string(columns_of(file.lines[i])));
            }
        }
    }
    CHECK(findings == Findings{});
}

TEST_CASE("no function of the product has more than 70 lines") {
    Findings findings;
    for (const auto& file : sources_below(product)) {
        const auto found = long_functions(file);
        findings.insert(findings.end(), found.begin(), found.end());
    }
    CHECK(findings == Findings{});
}

TEST_CASE("every header of the product begins by saying what it is") {
    Findings findings;
    for (const auto& file : sources_below(product)) {
        if (!file.is_header()) continue;
        const auto pragma = std::find(file.lines.begin(), file.lines.end(), "#pragma once");
        const bool begins_well = !file.lines.empty() && file.lines.front().starts_with("// ");
        if (pragma == file.lines.end() || !begins_well) findings.push_back(file.path);
    }
    CHECK(findings == Findings{});
}

// A line of the list that is in its file no more, or twice, is tried by nobody.
TEST_CASE("every mutant is a piece of one line of its file") {
    std::istringstream list(content_of("test/mutation/mutants.txt"));
    std::string file;
    std::string content;
    std::size_t mutants = 0;
    for (std::string line; std::getline(list, line);) {
        if (line.starts_with("@ ")) {
            file = line.substr(2, line.find(' ', 2) - 2);
            content = content_of(file);
        }
        if (!line.starts_with("- ")) continue;
        const auto piece = line.substr(2);
        INFO(file << ": " << piece);
        const auto first = content.find(piece);
        CHECK(first != std::string::npos);
        CHECK(content.find(piece, first + 1) == std::string::npos);
        ++mutants;
    }
    CHECK(mutants > 100);
}

TEST_CASE("nothing is left to be done later") {
    // Spelled in two pieces, so that this file does not find itself.
    constexpr std::array<std::string_view, 3> marks{("TO"
                                                     "DO"),
                                                    ("FIX"
                                                     "ME"),
                                                    ("XX"
                                                     "X")};
    Findings findings;
    for (const auto& file : sources_below(everything)) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            for (const auto mark : marks) {
                if (has_word(file.lines[i], mark))
                    findings.push_back(place(file, i) + file.lines[i]);
            }
        }
    }
    CHECK(findings == Findings{});
}

}  // namespace twincached::tidy
