// The tokenizer of configuration files: INI with line numbers. Pure; knows no option.
//
//     include = conf.d       before the first section: another file, or a folder's *.conf
//     # a comment; '#' and ';' begin one at the start of a line or after a blank
//     [section]
//     key = value            blanks around are dropped
//     key = "a # b"          quotes keep blanks, '#' and ';'; \" and \\ inside
//
// A byte order mark and CR before LF are tolerated. A line with a zero byte is none, wherever it
// is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

struct FileEntry {
    std::string section;
    std::string key;
    std::string value;
    unsigned line = 0;  // 1 is the first
};

struct FileProblem {
    unsigned line = 0;
    std::string message;
};

struct FileEntries {
    std::vector<FileEntry> entries;
    std::vector<FileProblem> problems;  // lines that are no INI; the others are still read
};

// The key of what no section has; its value is a path.
inline constexpr std::string_view include_key = "include";

FileEntries tokenize(std::string_view content);

// The value as it must be written to be read back unchanged: quoted where needed.
std::string quoted_if_needed(std::string_view value);

}  // namespace twincached::app
